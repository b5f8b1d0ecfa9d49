import { Command, CommanderError } from 'commander'
import { brokerCommand } from '../commands/broker.ts'
import { completionCommand } from '../commands/completion.ts'
import { deadLettersCommand } from '../commands/dead-letters.ts'
import { describeCommand } from '../commands/describe.ts'
import { devCommand } from '../commands/dev.ts'
import { lagCommand } from '../commands/lag.ts'
import { newCommand } from '../commands/new.ts'
import { resetCommand } from '../commands/reset.ts'
import { storesCommand } from '../commands/stores.ts'
import { runCommandOf } from '../commands/run.ts'
import type { CommandHost } from './command.ts'
import type { Environment } from './environment.ts'
import { InterruptedError, NotFoundError, RefusedError, UsageError } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import { Report } from './report.ts'
import { version } from './version.ts'

/** Does what the arguments ask for. Resolves with the exit code ({@link EXIT}); never rejects. */
export async function runCommand(args: readonly string[], environment: Environment): Promise<number> {
  let exitCode: number = EXIT.done
  // Until a command has begun, nobody knows whether it was asked for JSON.
  let report = new Report(environment, { json: args.includes('--json'), verbose: args.includes('--verbose') })
  const texts: string[] = []
  const host: CommandHost = {
    environment,
    began: (of) => {
      report = of
    },
    ended: (code) => {
      exitCode = code
    },
  }
  try {
    await program(host, texts).parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) return await failed(error, report)
    if (error.exitCode === 0) return EXIT.done
    // No command was named: its help is the answer.
    if (error.code === 'commander.help') return EXIT.usage
    const asked = error.message.replace(/^error: /, '').replace(/\.?$/, '.')
    await report.failure(new UsageError(`${asked[0]?.toUpperCase()}${asked.slice(1)}`), ' See --help.')
    return EXIT.usage
  } finally {
    // What commander wrote: help, and the version.
    if (texts.length > 0) await environment.stdout.write(texts.join(''))
  }
}

async function failed(error: unknown, report: Report): Promise<number> {
  await report.failure(error)
  if (error instanceof UsageError || error instanceof TypeError) return EXIT.usage
  if (error instanceof InterruptedError) return EXIT.interrupted
  if (error instanceof RefusedError) return EXIT.refused
  return error instanceof NotFoundError ? EXIT.negative : EXIT.failed
}

/** All commands. `texts` is given the help that was asked for. */
function program(host: CommandHost, texts: string[]): Command {
  const all = new Command('millrace')
    .description('Runs, inspects and operates Millrace applications.')
    .version(version(), '--version', 'print the version')
    .helpOption('--help', 'say what can be done, and how')
  for (const one of [
    runCommandOf(host),
    devCommand(host),
    describeCommand(host),
    lagCommand(host),
    resetCommand(host),
    deadLettersCommand(host),
    storesCommand(host),
    brokerCommand(host),
    newCommand(host),
    completionCommand(host, () => all),
  ])
    all.addCommand(one)
  configure(all, texts)
  return all
}

function configure(of: Command, texts: string[]): void {
  // An option belongs to the command that it stands behind.
  of.enablePositionalOptions().helpCommand(false)
  of.exitOverride().helpOption('--help', 'say what can be done, and how')
  of.configureOutput({ writeOut: (text) => texts.push(text), writeErr: (text) => texts.push(text), outputError: () => undefined })
  for (const one of of.commands) configure(one, texts)
}
