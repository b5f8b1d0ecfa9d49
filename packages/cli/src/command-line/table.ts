import Table from 'cli-table3'
import type { Colors } from './colours.ts'

/** One column: its title, and whether it holds numbers. */
export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right' | undefined
}

/** Control characters of terminals, which what is shown may hold: it comes from records and from other people's machines. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** Text that can't move a cursor, change a colour or begin a line of its own. */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) => {
    if (character === '\n') return '\\n'
    if (character === '\r') return '\\r'
    if (character === '\t') return '\\t'
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

const NO_FRAME = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
}

/** Rows under titles, in columns, without a frame: as easily read as cut into fields by a program. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], colors: Colors): string {
  const built = new Table({
    head: columns.map(({ title }) => colors.bold(title)),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: NO_FRAME,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) built.push([...row])
  return `${built
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`
}

/** A number as people read it. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

/** `1 record`, `2 records`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}
