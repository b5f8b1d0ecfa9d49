import type { Example } from './examples.ts'

/** An example as a module, and where each of its lines comes from. */
export interface ExampleModule {
  readonly example: Example
  readonly file: string
  readonly source: string
  /** By line of the module, from 0: the place on the page, or undefined for a line of the preamble. */
  readonly places: readonly (string | undefined)[]
}

/** Puts the preamble and the blocks of an example together. What shows nothing to the outside is made a module all the same. */
export function exampleModule(example: Example, file: string, preamble: string | undefined): ExampleModule {
  const lines: string[] = []
  const places: (string | undefined)[] = []
  for (const line of preamble === undefined ? [] : preamble.trimEnd().split('\n')) {
    lines.push(line)
    places.push(undefined)
  }
  for (const fence of example.fences) {
    for (const [i, line] of fence.code.split('\n').entries()) {
      lines.push(line)
      places.push(`${fence.page}:${fence.line + i}`)
    }
  }
  lines.push('export {}')
  places.push(undefined)
  return { example, file, source: `${lines.join('\n')}\n`, places }
}

/** What a tool said about modules, with `page:line` where it named a file of ours. Columns stay, code is not indented. */
export function withPlaces(text: string, modules: readonly ExampleModule[]): string {
  const byFile = new Map(modules.map((module) => [module.file, module]))
  return text.replaceAll(/(?:file:\/\/)?[\w./-]*?(?<file>example-[\w.-]+\.ts)[:(](?<line>\d+)/g, (whole, file: string, line: string) => {
    const module = byFile.get(file)
    if (module === undefined) return whole
    return module.places[Number(line) - 1] ?? `preamble '${module.example.preamble}':${line}`
  })
}
