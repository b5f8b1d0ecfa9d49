import { execFile } from 'node:child_process'
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const here = import.meta.dirname
const root = join(here, '../../../..')
const tsc = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin/tsc')

interface CompileFailure {
  readonly line: number
  readonly message: string
}

/** Compiles fixtures with the workspace's own settings, the comments that excuse errors taken out, and gives back what the compiler says. */
async function compile(...files: readonly string[]): Promise<CompileFailure[]> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'millrace-types-')))
  try {
    for (const file of files) {
      const text = await readFile(join(here, file), 'utf8')
      await writeFile(join(folder, file), text.replaceAll('@ts-expect-error', 'expected:'))
    }
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
        paths: { '@millrace/core': [join(here, '../../src/index.ts')] },
      },
      include: [],
      files,
    }
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const output = await new Promise<string>((resolve, reject) => {
      execFile(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder }, (error, stdout, stderr) => {
        // The compiler exits with 1 or 2 when there are errors, which is what this is about.
        if (error !== null && stdout === '') reject(new Error(stderr, { cause: error }))
        else resolve(stdout)
      })
    })
    return failuresIn(output)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Messages of several lines are indented from their second line on. */
function failuresIn(output: string): CompileFailure[] {
  const failures: { line: number; message: string }[] = []
  for (const line of output.split('\n')) {
    const start = /^(?:.*\/)?[\w-]+\.ts\((\d+),\d+\): (.*)$/.exec(line)
    if (start !== null) failures.push({ line: Number(start[1]), message: start[2] as string })
    else if (line !== '') (failures.at(-1) as { message: string }).message += `\n${line}`
  }
  return failures
}

describe('types', () => {
  it('accept what fits, the program of the design included', { timeout: 60_000 }, async () => {
    expect(await compile('accepted.ts', 'processors.ts')).toEqual([])
  })

  it('refuse what does not fit, each with its sentence and nothing else', { timeout: 60_000 }, async () => {
    const lines = (await readFile(join(here, 'refused.ts'), 'utf8')).split('\n')
    const expected = lines.flatMap((line, i) => {
      const sentence = /^\/\/ @ts-expect-error (.*)$/.exec(line)?.[1]
      return sentence === undefined ? [] : [{ line: i + 2, sentence }]
    })
    const failures = await compile('refused.ts', 'processors.ts')
    expect(failures.map(({ line }) => line)).toEqual(expected.map(({ line }) => line))
    for (const [i, { line, sentence }] of expected.entries()) {
      expect(failures[i]?.message, `line ${line}`).toContain(sentence)
      // What is printed can be read: a handful of lines, not a page.
      expect(failures[i]?.message.split('\n').length, `line ${line}`).toBeLessThan(6)
    }
  })
})
