#!/usr/bin/env node
import { failureLine } from './command-line/failure-line.ts'

function fail(error: unknown): never {
  process.stderr.write(`word-count: ${failureLine(error)}\n`)
  process.exit(1)
}

process.on('uncaughtException', fail)
// A terminal that has gone away is no reason to stop counting.
process.stderr.on('error', () => undefined)

try {
  // Loaded here, so that native code that can't be loaded ends in one line too.
  const { runCommand } = await import('./run-command.ts')
  process.exit(await runCommand(process.argv.slice(2)))
} catch (error) {
  fail(error)
}
