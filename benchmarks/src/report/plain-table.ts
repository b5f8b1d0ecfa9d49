import Table from 'cli-table3'

/** A table before it is drawn. */
export interface PlainTable {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** For a terminal: no colours, no line between rows. */
export function drawn({ title, head, rows }: PlainTable): string {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    head: [...head],
    colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')),
  })
  for (const row of rows) table.push([...row])
  return `${title}\n${table.toString()}\n`
}

/** For a page. */
export function inMarkdown({ title, head, rows }: PlainTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'))
  return `**${title}**\n\n${line(head)}${line(rule)}${rows.map(line).join('')}`
}
