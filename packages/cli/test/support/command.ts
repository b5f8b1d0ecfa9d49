import { pathToFileURL } from 'node:url'
import { fileURLToPath } from 'node:url'
import { processEnvironment, runCommand } from '../../src/index.ts'
import type { Environment } from '../../src/command-line/environment.ts'

/** What came of a command that was run in this process. */
export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The folder of the applications that tests load. */
export const apps: string = fileURLToPath(new URL('../apps/', import.meta.url))

/** Runs the command with output that is no terminal, in the folder of the tests' applications. */
export async function millrace(args: readonly string[], overrides: Partial<Environment> = {}): Promise<CommandResult> {
  const texts = { stdout: '', stderr: '' }
  const never = new AbortController().signal
  const into = (name: 'stdout' | 'stderr') => ({
    isTerminal: false,
    columns: undefined,
    isClosed: false,
    write: async (text: string) => {
      texts[name] += text
    },
  })
  const environment: Environment = {
    ...processEnvironment({ importModule: (file) => import(pathToFileURL(file).href), stop: never, kill: never }),
    stdout: into('stdout'),
    stderr: into('stderr'),
    variables: {},
    folder: apps,
    ...overrides,
  }
  return { code: await runCommand(args, environment), ...texts }
}
