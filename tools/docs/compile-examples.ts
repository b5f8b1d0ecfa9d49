import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { ExampleModule } from './example-module.ts'

const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')

/** A complaint of the compiler's about an example. `place` is page and line; a complaint about a preamble names that. */
export interface Complaint {
  readonly place: string
  readonly message: string
}

/**
 * Compiles all modules of a folder in one run of tsc, with the settings of the repository.
 *
 * A name that is declared and not used is fine (it is what the example shows), an import that is not used is a mistake of the page.
 */
export async function compileExamples(folder: string, modules: readonly ExampleModule[]): Promise<Complaint[]> {
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.base.json',
      compilerOptions: { noEmit: true, customConditions: ['@millrace/source'], typeRoots: ['../../node_modules/@types'] },
      files: modules.map(({ file }) => file),
    }),
  )
  const output = await outputOf(folder)
  const complaints: Complaint[] = []
  const byFile = new Map(modules.map((module) => [module.file, module]))
  let elsewhere = ''
  for (const line of output.split('\n')) {
    const found = /^(?<file>[^(]+)\((?<line>\d+),\d+\): error (?<code>TS\d+): (?<message>.*)$/.exec(line)?.groups
    const module = byFile.get(found?.['file'] ?? '')
    if (found === undefined || module === undefined) {
      // The rest of a complaint of several lines is indented. Complaints about the sources are those of `pnpm typecheck`.
      if (line.startsWith('error ')) elsewhere += `${line}\n`
      continue
    }
    const at = Number(found['line']) - 1
    const place = module.places[at]
    const unused = ['TS6133', 'TS6192', 'TS6196', 'TS6198'].includes(found['code'] ?? '')
    if (unused && (place === undefined || !/^import\b/.test(module.source.split('\n')[at] ?? ''))) continue
    complaints.push({
      place: place ?? `preamble '${module.example.preamble}', line ${at + 1}`,
      message: `${found['code']}: ${found['message']}`,
    })
  }
  if (elsewhere !== '') throw new Error(`tsc could not look at the examples:\n${elsewhere}`)
  return complaints
}

function outputOf(folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [tsc, '-p', '.', '--pretty', 'false'], { cwd: folder, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      // Complaints end it with a number; not having run at all does not.
      if (error !== null && typeof error.code !== 'number') reject(new Error('tsc could not be run.', { cause: error }))
      else resolve(stdout + stderr)
    })
  })
}
