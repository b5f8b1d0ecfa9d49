import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { ExampleModule } from './example-module.ts'

const { resolve } = createRequire(import.meta.url)
const vitest = join(dirname(resolve('vitest/package.json')), 'vitest.mjs')
/** Only tells what hangs. */
const LIMIT_MS = 50_000
const fromSource = ['--conditions=@millrace/source', '--import', 'tsx']

/** How a run ended: its exit code (null: killed) and all it wrote. */
export interface RunResult {
  readonly code: number | null
  readonly output: string
}

/** Runs an example in a process of its own, as its reader would: a program with node, tests with their runner. */
export function runExample(folder: string, module: ExampleModule): Promise<RunResult> {
  const args = argumentsOf(module)
  // A runner that finds itself inside another one behaves differently.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_TEST|TEST$|NODE_ENV$|MODE$)/.test(name)))
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
    })
    let output = ''
    const take = (text: string) => {
      output += text
    }
    child.stdout.setEncoding('utf8').on('data', take)
    child.stderr.setEncoding('utf8').on('data', take)
    child.on('error', failed)
    child.on('close', (code) => done({ code, output }))
  })
}

function argumentsOf({ example, file }: ExampleModule): string[] {
  switch (example.run) {
    case 'node-test':
      return [...fromSource, '--test', '--test-reporter=tap', file]
    case 'vitest':
      return [vitest, 'run', '--root', '.', '--reporter=verbose', '--no-color', file]
    case 'program':
      return [...fromSource, file]
    case 'no':
      throw new TypeError(`${file} is not to be run.`)
  }
}
