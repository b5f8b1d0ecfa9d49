import { Command, CommanderError, Option } from 'commander'
import { brokers, path, processingGuarantee, topicName, wholeNumber } from './argument-types.ts'
import type { Settings } from './settings.ts'
import { UsageError } from './usage-error.ts'

/** What to do: count, or say how to ask for it. */
export type Request = { readonly kind: 'count'; readonly settings: Settings } | { readonly kind: 'help'; readonly text: string }

const MAX_PARTITIONS = 1_000
/** Two batches of this size for each partition fit into what the engine buffers. */
const MAX_BATCH_SIZE = 100_000
/** Text that ends within a batch waits this long, twice: for its lines, then for its words. */
const MAX_BATCH_TIMEOUT_MS = 60_000
const MAX_APPLICATION_ID = 180
const MAX_TOPIC = 249

const EXAMPLES = `
Examples:
  word-count                                                  the bundled Moby Dick, on an embedded log
  word-count --file book.txt --json > counts.json
  word-count --file book.txt --single --batch-size 1          one record at a time
  word-count --brokers localhost:9092 --file book.txt --until-caught-up
`

/** Throws a `UsageError` of one line for what can't be done. */
export function parseArguments(args: readonly string[]): Request {
  let help = ''
  const command = makeCommand((text) => {
    help += text
  })
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { kind: 'help', text: help }
    throw new UsageError(error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' '))
  }
  const settings = command.opts<Omit<Settings, 'partitionsGiven'>>()
  const partitionsGiven = command.getOptionValueSource('partitions') === 'cli'
  checkTopics(settings)
  return { kind: 'count', settings: { ...settings, partitionsGiven } }
}

function makeCommand(writeOut: (text: string) => void): Command {
  return new Command('word-count')
    .description('Counts the words of a text in batches: on an embedded log, or on Kafka.')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({ writeOut, writeErr: () => undefined })
    .addOption(new Option('--file <path>', 'text to count, a record a line (default without Kafka: the bundled Moby Dick)').argParser(path))
    .addOption(new Option('--brokers <host:port>', 'run on this Kafka instead of the embedded log').argParser(brokers))
    .addOption(
      new Option('--application-id <id>', 'names the consumer group, internal topics and the state')
        .argParser(topicName(MAX_APPLICATION_ID))
        .default('word-count'),
    )
    .addOption(new Option('--input-topic <topic>', 'lines of text').argParser(topicName(MAX_TOPIC)).default('lines'))
    .addOption(
      new Option('--output-topic <topic>', 'words, each with its count so far').argParser(topicName(MAX_TOPIC)).default('word-counts'),
    )
    .addOption(new Option('--partitions <number>', 'of topics that are created').argParser(wholeNumber(1, MAX_PARTITIONS)).default(4))
    .addOption(new Option('--state-dir <folder>', 'local state (default with Kafka: ./state; without: a temporary folder)').argParser(path))
    .addOption(new Option('--batch-size <records>', 'records in a batch, at most').argParser(wholeNumber(1, MAX_BATCH_SIZE)).default(1_000))
    .addOption(
      new Option('--batch-timeout-ms <ms>', 'how long the first record of a batch waits for company')
        .argParser(wholeNumber(0, MAX_BATCH_TIMEOUT_MS))
        .default(100),
    )
    .addOption(
      new Option('--processing-guarantee <guarantee>', 'at-least-once or exactly-once')
        .argParser(processingGuarantee)
        .default('at-least-once' as const),
    )
    .option('--until-caught-up', 'stop once what is in the input at the start has been counted (always so without Kafka)', false)
    .option('--single', 'use processors that only know single records', false)
    .option('--json', 'print the result as one JSON object', false)
    .option('--verbose', 'log what happens to standard error', false)
}

function checkTopics({ applicationId, inputTopic, outputTopic }: Pick<Settings, 'applicationId' | 'inputTopic' | 'outputTopic'>): void {
  if (inputTopic === outputTopic)
    throw new UsageError(`--input-topic and --output-topic are both '${inputTopic}': counts would be counted again.`)
  for (const internal of [`${applicationId}-by-word-repartition`, `${applicationId}-counts-changelog`]) {
    if (inputTopic === internal || outputTopic === internal) {
      throw new UsageError(`Topic '${internal}' is one that the application keeps for itself: choose another topic or --application-id.`)
    }
  }
}
