#!/usr/bin/env node
import { processEnvironment } from './command-line/environment.ts'
import { EXIT } from './command-line/exit-codes.ts'
import { failureLine } from './command-line/failure-line.ts'
import { exitCodeOfSignal, StopSignals } from './command-line/stop-signals.ts'

function fail(error: unknown): never {
  process.stderr.write(`millrace: ${failureLine(error)}\n`)
  process.exit(1)
}

process.on('uncaughtException', fail)
// A terminal that has gone away is no reason to stop.
process.stderr.on('error', () => undefined)

try {
  const signals = new StopSignals()
  // Loaded here, so that what can't be loaded ends in one line too.
  const { runCommand } = await import('./command-line/run-command.ts')
  const { importModule } = await import('./load/typescript.ts')
  // What the user's module has opened does not keep the command alive.
  const code = await runCommand(process.argv.slice(2), processEnvironment({ importModule, stop: signals.stop, kill: signals.kill }))
  process.exit(code === EXIT.interrupted && signals.received !== undefined ? exitCodeOfSignal(signals.received) : code)
} catch (error) {
  fail(error)
}
