import { Command } from 'commander'
import type { Environment } from './environment.ts'
import { EXIT } from './exit-codes.ts'
import { type CommonOptions, Report } from './report.ts'

/** What the action of a command is given. */
export interface Invocation<Options extends CommonOptions> {
  readonly options: Options
  /** By position; undefined for those that were left out. */
  readonly args: readonly (string | undefined)[]
  readonly environment: Environment
  readonly report: Report
}

/** Gives a command its exit code; {@link EXIT.done} unless it says otherwise. */
export type Action<Options extends CommonOptions> = (invocation: Invocation<Options>) => Promise<number | void>

/** What all commands of one run have in common. */
export interface CommandHost {
  readonly environment: Environment
  /** Told the exit code of the command that ran, and how it said so. */
  readonly ended: (code: number, report: Report) => void
  /** Told how the command that runs reports, before it does anything. */
  readonly began: (report: Report) => void
}

/** A command with the options that each has, and its examples below its help. */
export function command(name: string, description: string, examples: readonly string[]): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'answer in JSON')
    .option('--verbose', 'say what goes on, and the whole of what went wrong')
    .addHelpText('after', examples.length === 0 ? '' : `\nExamples:\n${examples.map((one) => `  $ ${one}`).join('\n')}`)
}

/** Lets `action` do what the command says. A signal ends it where it stands, unless it `finishes` by itself when `environment.stop` is aborted. */
export function runs<Options extends CommonOptions>(
  of: Command,
  host: CommandHost,
  action: Action<Options>,
  finishes: (options: Options) => boolean = () => false,
): Command {
  return of.action(async (...given: unknown[]) => {
    // The arguments, then the options, then the command.
    const options = (given[given.length - 1] as Command).optsWithGlobals<Options & Record<string, unknown>>()
    const args = given.slice(0, -2) as (string | undefined)[]
    const { environment } = host
    const report = new Report(environment, options)
    host.began(report)
    const done = action({ options, args, environment, report })
    // Who was ended before is told of nothing else.
    done.catch(() => undefined)
    host.ended((await (finishes(options) ? done : Promise.race([done, interrupted(environment.stop)]))) ?? EXIT.done, report)
  })
}

function interrupted(stop: AbortSignal): Promise<number> {
  return new Promise((resolve) => {
    const end = () => resolve(EXIT.interrupted)
    if (stop.aborted) end()
    stop.addEventListener('abort', end, { once: true })
  })
}
