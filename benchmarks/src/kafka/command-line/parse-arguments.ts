import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { LEAST_VALUE_BYTES } from '../input/input-shape.ts'

/** What is to be compared, and where the results go. */
export interface Settings {
  readonly records: number
  readonly keys: number
  readonly valueBytes: number
  readonly partitions: number
  readonly runs: number
  /** Names of what is to be measured; none: all. */
  readonly only: readonly string[]
  readonly program: readonly string[]
  readonly heapMb: number
  readonly short: boolean
  readonly list: boolean
  readonly brokers?: string
  readonly json?: string
  readonly page?: string
  readonly from?: string
  readonly profile?: string
  /** Measure only what the file of `json` lacks. */
  readonly resume: boolean
}

const USAGE = 2

/** What `--short` means for those options that are not given. */
const SHORT = { records: 10_000, keys: 1_000, runs: 1 } as const

/** Undefined when help was asked for, which is printed. Throws a `CommanderError` for what can't be done. */
export function parseArguments(args: readonly string[]): Settings | undefined {
  const several = (name: string, before: readonly string[]) => [...before, ...name.split(',')]
  const command = new Command('bench:kafka')
    .description('Measures Millrace beside Kafka Streams and loops by hand, on a real broker.')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .option('--records <number>', 'of the input', whole, 1_000_000)
    .option('--keys <number>', 'different keys of the input', whole, 100_000)
    .option('--value-bytes <number>', `of each value of the input, at least ${LEAST_VALUE_BYTES}`, valueBytes, 100)
    .option('--partitions <number>', 'of every topic', whole, 4)
    .option('--runs <number>', 'how often each program runs', whole, 5)
    .option('--only <names>', 'what is measured, as --list prints it; may be given several times', several, [])
    .option('--program <names>', 'who is measured, as --list prints it; may be given several times', several, [])
    .option('--heap-mb <number>', "of Kafka Streams' Java", whole, 1_024)
    .option('--short', 'few records, one run, and only whom a bound needs, for continuous integration', false)
    .option('--list', 'print the names, and measure nothing', false)
    .option('--brokers <addresses>', 'a broker that runs; default: one of its own')
    .option('--json <file>', 'write the results to this file, as they come, in place of those of the same name that it has')
    .option('--resume', 'measure only what the file of --json lacks, such as after an interruption', false)
    .option('--page <file>', 'put all that the file of --json has into this page, between its marks')
    .option('--profile <folder>', 'write a CPU profile of each program in JavaScript into this folder, and say where its time goes')
    .option('--from <file>', 'measure nothing: take the results that --json wrote')
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined
    throw error
  }
  const settings = command.opts<Settings>()
  checkFiles(settings)
  if (!settings.short) return settings
  const given = (name: keyof typeof SHORT) => command.getOptionValueSource(name) !== 'default'
  const defaults = Object.entries(SHORT).filter(([name]) => !given(name as keyof typeof SHORT))
  return { ...settings, ...Object.fromEntries(defaults) }
}

/** The page is written from the file, so that what is measured apart comes together. */
function checkFiles({ json, from, page, resume, list }: Settings): void {
  if (list || json !== undefined) return
  if (resume) throw new CommanderError(USAGE, 'bench.resume', '--resume needs --json with the file of what there is.')
  if (page !== undefined && from === undefined)
    throw new CommanderError(USAGE, 'bench.page', '--page needs --json too: the page is written from that file, with what it had before.')
}

function whole(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('Give a whole number from 1 up.')
  return Number(value)
}

function valueBytes(value: string): number {
  const bytes = whole(value)
  if (bytes < LEAST_VALUE_BYTES) throw new InvalidArgumentError(`Give at least ${LEAST_VALUE_BYTES}: values begin with a number.`)
  return bytes
}
