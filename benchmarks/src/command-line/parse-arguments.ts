import { Command, CommanderError, InvalidArgumentError } from 'commander'

/** What is to be measured, and where the results go. */
export interface Settings {
  /** Fewer records and shorter runs. */
  readonly short: boolean
  /** Names, or parts of names, of the comparisons; none: all. */
  readonly only: readonly string[]
  readonly json?: string
  readonly profile?: string
  readonly list: boolean
  readonly runs: number
  readonly strict: boolean
}

/** A median of fewer says little. */
const MIN_RUNS = 5
const MAX_RUNS = 1_000

/** Undefined when help was asked for, which is printed. Throws a `CommanderError` for what can't be done. */
export function parseArguments(args: readonly string[]): Settings | undefined {
  const command = new Command('bench')
    .description("Measures Millrace's parts beside what one would write without them.")
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .option('--short', 'fewer records and shorter runs, for continuous integration', false)
    .option(
      '--only <name>',
      'only comparisons whose name holds this; may be given several times',
      (name, before: string[]) => [...before, name],
      [],
    )
    .option('--runs <number>', `how often each contender is timed, at least ${MIN_RUNS}`, runs, 7)
    .option('--json <file>', 'write the results to this file too')
    .option('--profile <folder>', 'write a CPU profile of each contender into this folder')
    .option('--strict', 'end with 1 if a target that was measured is not reached: for a quiet machine', false)
    .option('--list', 'print the names of the comparisons, and measure nothing', false)
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined
    throw error
  }
  const settings = command.opts<Settings>()
  return settings.short && command.getOptionValueSource('runs') === 'default' ? { ...settings, runs: MIN_RUNS } : settings
}

function runs(value: string): number {
  const number = /^\d{1,4}$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= MIN_RUNS && number <= MAX_RUNS)) throw new InvalidArgumentError(`Give a whole number from ${MIN_RUNS} to ${MAX_RUNS}.`)
  return number
}
