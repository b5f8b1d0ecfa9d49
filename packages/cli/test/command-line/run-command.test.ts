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
  const names = [...all.slice(all.indexOf('Commands:')).matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name as string)

  expect(names).toContain('describe')
  for (const name of names) {
    const { code, stdout } = await millrace([name, '--help'])
    expect({ name, code, json: /--json/.test(stdout), examples: /Examples:\n {2}\$ millrace /.test(stdout) }).toEqual({
      ...{ name, code: 0 },
      ...{ json: true, examples: true },
    })
  }
})

test('without a command, help is printed, and the exit code says that nothing was done', async () => {
  const { code, stdout } = await millrace([])

  expect(stdout).toContain('Usage: millrace')
  expect(code).toBe(2)
})
