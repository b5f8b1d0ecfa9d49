import { randomInt } from 'node:crypto'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { CLIENTS, type Fault, FAULTS, GUARANTEES, PROTOCOLS, type Settings } from './settings.ts'

const MOST_SEED = 2 ** 31 - 1

/** Undefined when help was asked for, which is printed. Throws a `CommanderError` for what can't be done. */
export function parseArguments(args: readonly string[]): Settings | undefined {
  const command = new Command('chaos')
    .description(
      'Counts keys in several processes on a real broker while workers are killed, closed and paused and the broker is restarted, at random moments; ' +
        'then compares all that was put out, and the state, with the input. Ends with 1 if something is wrong.',
    )
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .addOption(new Option('--guarantee <name>', 'the processing guarantee').choices(GUARANTEES).default('exactly-once'))
    .option('--seconds <number>', 'how long faults go on', whole(1, 86_400), 60)
    .option('--workers <number>', 'processes that share the work', whole(1, 50), 3)
    .option('--seed <number>', 'repeats the faults of the run that printed it (default: a random one)', whole(0, MOST_SEED))
    .option(
      '--faults <names>',
      `which of ${FAULTS.join(', ')}, separated by commas (default: all; broker only where it is our own)`,
      faults,
    )
    .option('--brokers <addresses>', 'host:port, several separated by commas: a broker that runs (default: one is started)')
    .option('--nodes <number>', 'brokers that are started', whole(1, 9), 1)
    .addOption(
      new Option('--client <name>', 'the Kafka client (default: the one that Millrace chooses)')
        .choices(CLIENTS)
        .env('MILLRACE_KAFKA_CLIENT'),
    )
    .addOption(new Option('--group-protocol <name>', 'how the group is balanced').choices(PROTOCOLS).default('classic'))
    .option('--partitions <number>', 'of each topic', whole(1, 1_000), 4)
    .option('--keys <number>', 'different keys', whole(1, 1_000_000), 100)
    .option('--rate <number>', 'input records a second', whole(1, 1_000_000), 1_000)
    .option('--json <file>', 'write the result to this file too')
    .option('--log <file>', 'write what the workers log to this file')
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined
    throw error
  }
  const options = command.opts<Omit<Settings, 'seed' | 'faults'> & { seed?: number; faults?: readonly Fault[] }>()
  const { brokers, client, json, log } = options
  if (brokers !== undefined && options.faults?.includes('broker'))
    throw new CommanderError(2, 'chaos.faults', 'A broker given by --brokers is not ours to restart: leave broker out of --faults.')
  const all = brokers === undefined ? FAULTS : FAULTS.filter((fault) => fault !== 'broker')
  return { ...options, brokers, client, json, log, seed: options.seed ?? randomInt(MOST_SEED), faults: options.faults ?? all }
}

function whole(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= least && number <= most)) throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`)
    return number
  }
}

function faults(value: string): readonly Fault[] {
  const names = value.split(',').map((name) => name.trim())
  const unknown = names.filter((name) => !(FAULTS as readonly string[]).includes(name))
  if (unknown.length > 0) throw new InvalidArgumentError(`There is no '${unknown.join("', no '")}'; there are ${FAULTS.join(', ')}.`)
  return names as Fault[]
}
