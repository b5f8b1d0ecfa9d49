import { describe, expect, test } from 'vitest'
import { millrace } from '../support/command.ts'

describe('what is asked wrongly ends with 2 and one line that says so', () => {
  test.each([
    [['frobnicate'], "millrace: Unknown command 'frobnicate'. See --help.\n"],
    [['describe'], "millrace: Missing required argument 'file'. See --help.\n"],
    [['describe', 'word-count.ts', '--fromat', 'text'], "millrace: Unknown option '--fromat' (Did you mean --format?). See --help.\n"],
    [
      ['describe', 'word-count.ts', '--format', 'yaml'],
      "millrace: Option '--format <format>' argument 'yaml' is invalid. Allowed choices are text, mermaid. See --help.\n",
    ],
    [
      ['run', 'word-count.ts', '--instances', '0'],
      "millrace: Option '--instances <count>' argument '0' is invalid. Use a whole number, at least 1. See --help.\n",
    ],
    [['describe', 'none.ts'], "millrace: There is no file 'none.ts'.\n"],
    [['describe', '.'], "millrace: '.' is no file: name the module that exports the application.\n"],
    [
      ['describe', 'no-app.ts'],
      "millrace: 'no-app.ts' exports no application: let it `export default defineApp({ ... })`, and not start it itself.\n",
    ],
    [['describe', 'throws.ts'], "millrace: 'throws.ts' can't be loaded: there is no such setting\n"],
  ])('%j', async (args, stderr) => {
    expect(await millrace(args)).toEqual({ code: 2, stdout: '', stderr })
  })
})

test('with --json, so is the error, on standard error', async () => {
  const { code, stdout, stderr } = await millrace(['describe', 'none.ts', '--json'])

  expect({ code, stdout, error: JSON.parse(stderr) as unknown }).toEqual({
    code: 2,
    stdout: '',
    error: { error: { code: 'UsageError', message: "There is no file 'none.ts'." } },
  })
})

test('a stack is told with --verbose only', async () => {
  expect((await millrace(['describe', 'throws.ts'])).stderr).not.toContain('    at ')
  expect((await millrace(['describe', 'throws.ts', '--verbose'])).stderr).toContain('    at ')
})

test('each command has help with examples, and --json', async () => {
  const { stdout: all } = await millrace(['--help'])
  const below = async (words: readonly string[], help: string): Promise<string[][]> => {
    const names = [...help.slice(help.indexOf('Commands:')).matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => [...words, name as string])
    return help.includes('Commands:') ? names : []
  }
  const commands = await below([], all)
  for (const words of [...commands]) commands.push(...(await below(words, (await millrace([...words, '--help'])).stdout)))

  expect(commands).toContainEqual(['dead-letters', 'replay'])
  for (const words of commands) {
    const { code, stdout } = await millrace([...words, '--help'])
    const name = words.join(' ')
    expect({ name, code, json: /--json/.test(stdout), examples: /Examples:\n {2}\$ millrace /.test(stdout) }).toEqual({
      ...{ name, code: 0 },
      ...{ json: true, examples: true },
    })
  }
})

test('a signal ends a command that does not finish by itself', async () => {
  const stop = new AbortController()
  const running = millrace(['describe', 'word-count.ts'], { stop: stop.signal, importModule: () => new Promise(() => undefined) })
  stop.abort()

  expect(await running).toEqual({ code: 130, stdout: '', stderr: '' })
})

test('without a command, help is printed, and the exit code says that nothing was done', async () => {
  const { code, stdout } = await millrace([])

  expect(stdout).toContain('Usage: millrace')
  expect(code).toBe(2)
})
