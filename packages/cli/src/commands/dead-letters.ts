import type { FailureStage, TransportAdmin, TransportContext } from '@millrace/core'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { command, type CommandHost, type Invocation, runs } from '../command-line/command.ts'
import { NotFoundError, UsageError } from '../command-line/errors.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { moment, nameList, positiveNumber, wholeNumber } from '../command-line/parse-values.ts'
import { progress } from '../command-line/progress.ts'
import { counted } from '../command-line/table.ts'
import { type DeadLetter, type DeadLetterFilter, placeOf } from '../dead-letters/dead-letter.ts'
import { deadLettersOf, describeAll, type DeadLetterReading, topicsOf } from '../dead-letters/dead-letter-topics.ts'
import { letterJson, letterText, listed, type ListedLetter, listText } from '../dead-letters/dead-letter-text.ts'
import { replay, type ReplayOptions, type ReplayResult } from '../dead-letters/replay.ts'
import { ReplayMarks } from '../dead-letters/replay-marks.ts'
import { brokerOptions, kafkaAt, targetOf, type TargetOptions, withAdmin } from '../load/target.ts'

interface LetterOptions extends TargetOptions {
  readonly topic?: readonly string[]
}

interface FilterOptions extends LetterOptions {
  readonly reason?: string
  readonly fromTopic?: string
  readonly stage?: FailureStage
  readonly node?: string
  readonly since?: number
  readonly until?: number
}

interface ListOptions extends FilterOptions {
  readonly limit: number
}

interface ReplayCommandOptions extends FilterOptions {
  readonly id?: readonly string[]
  readonly to?: string
  readonly rate?: number
  readonly limit?: number
  readonly again?: boolean
  readonly dryRun?: boolean
}

/** `millrace dead-letters`: what could not be processed, and back with it. */
export function deadLettersCommand(host: CommandHost): Command {
  const all = command('dead-letters', 'List, show and replay records that could not be processed.', [
    'millrace dead-letters list src/app.ts',
    'millrace dead-letters replay src/app.ts --reason timeout --rate 100',
  ])
  for (const one of [listCommand(host), showCommand(host), replayCommand(host)]) all.addCommand(one)
  return all
}

function listCommand(host: CommandHost): Command {
  const list = letterOptions(
    command('list', 'List dead letters, with where they come from, why, and whether they were replayed.', [
      'millrace dead-letters list src/app.ts',
      'millrace dead-letters list src/app.ts --reason ValidationError --since 2026-03-01',
      'millrace dead-letters list --brokers kafka:9092 --topic orders-dead --from-topic orders',
    ]).argument('[file]', 'module whose default export is the application'),
  )
  filterOptions(list).option('--limit <count>', 'the first so many', wholeNumber(1), 100)
  return runs<ListOptions>(list, host, (invocation) =>
    withReading(invocation, invocation.args[0], (reading) => listLetters(reading, invocation)),
  )
}

function showCommand(host: CommandHost): Command {
  const show = letterOptions(
    command('show', 'Show all of one dead letter: key, value, headers, reason, stack.', [
      'millrace dead-letters show orders-dead-0@17 src/app.ts',
      'millrace dead-letters show orders-dead-0@17 --brokers kafka:9092',
    ])
      .argument('<dead-letter>', 'as list calls it: topic-partition@offset')
      .argument('[file]', 'module whose default export is the application'),
  )
  return runs<LetterOptions>(show, host, (invocation) =>
    withReading(invocation, invocation.args[1], (reading) => showLetter(reading, invocation)),
  )
}

function replayCommand(host: CommandHost): Command {
  const back = letterOptions(
    command(
      'replay',
      'Write dead letters back to the topics that they come from. Each is replayed once, however often this is done and however it ends.',
      [
        'millrace dead-letters replay src/app.ts --dry-run',
        'millrace dead-letters replay src/app.ts --reason ECONNREFUSED --rate 100',
        'millrace dead-letters replay src/app.ts --id orders-dead-0@17,orders-dead-1@4',
        'millrace dead-letters replay src/app.ts --to orders-retry',
      ],
    ).argument('[file]', 'module whose default export is the application'),
  )
  filterOptions(back)
    .option('--id <dead-letters>', 'only these', nameList)
    .option('--to <topic>', 'to this topic, instead of where they come from')
    .option('--rate <records>', 'at most so many a second', positiveNumber)
    .option('--limit <count>', 'the first so many', wholeNumber(1))
    .option('--again', 'also what was replayed before')
    .option('--dry-run', 'only say what would be replayed')
  return runs<ReplayCommandOptions>(
    back,
    host,
    (invocation) => withReading(invocation, invocation.args[0], (reading) => replayLetters(reading, invocation)),
    () => true,
  )
}

function letterOptions(of: Command): Command {
  return brokerOptions(of).option(
    '--topic <names>',
    "topics of dead letters; by default the application's failure.deadLetter.topic",
    nameList,
  )
}

function filterOptions(of: Command): Command {
  return of
    .option('--reason <text>', "a part of the error's class or message")
    .option('--from-topic <name>', 'of records of this topic')
    .addOption(new Option('--stage <stage>', 'that failed there').choices(['decode', 'process', 'produce']))
    .option('--node <name>', 'that failed in this node')
    .option('--since <time>', "by the record's timestamp, from then on", moment)
    .option('--until <time>', "by the record's timestamp, before then", moment)
}

interface Reading extends DeadLetterReading {
  readonly topics: readonly string[]
}

/** Connects to what the command line names. */
async function withReading<T>(
  { options, environment, report }: Invocation<LetterOptions>,
  file: string | undefined,
  use: (reading: Reading) => Promise<T>,
): Promise<T> {
  const { brokers, topic } = options
  const context: TransportContext = { logger: report.logger }
  const on = (transport: DeadLetterReading['transport'], topics: readonly string[]) =>
    withAdmin(transport, report, (admin: TransportAdmin) => use({ transport, admin, context, topics, stop: environment.stop }))
  if (file === undefined) {
    if (brokers === undefined) throw new UsageError('Name the module of the application, or --brokers and --topic.')
    return on(kafkaAt(brokers, options, environment), topic ?? [])
  }
  const target = await targetOf(file, options, environment)
  return on(target.transport, topicsOf(target, topic))
}

function filterOf({ reason, fromTopic, stage, node, since, until }: FilterOptions): DeadLetterFilter {
  return { reason, fromTopic, stage, node, since, until }
}

async function listLetters(reading: Reading, { options, report }: Invocation<ListOptions>): Promise<void> {
  const letters: ListedLetter[] = []
  let total = 0
  for (const topic of await describeAll(reading.admin, named(reading.topics))) {
    const marks = await ReplayMarks.read(topic, reading)
    for await (const some of deadLettersOf(topic, filterOf(options), reading)) {
      total += some.length
      for (const one of some.slice(0, options.limit - letters.length)) letters.push(listed(one, marks.of(one.record)))
    }
  }
  await report.result({ total, deadLetters: letters }, () => listText(letters, total, report.colors))
}

async function showLetter(reading: Reading, { args: [id = ''], report }: Invocation<LetterOptions>): Promise<void> {
  const [name] = idsOf([id])
  const [topic] = await describeAll(reading.admin, [name?.topic ?? ''])
  if (topic === undefined) return
  let found: DeadLetter | undefined
  for await (const [one] of deadLettersOf(topic, { ids: new Set([id]) }, reading)) {
    found = one
    break
  }
  if (found === undefined) throw new NotFoundError(`There is no dead letter ${id}: it was never there, or is deleted.`)
  const letter = found
  const mark = (await ReplayMarks.read(topic, reading)).of(letter.record)
  await report.result(letterJson(letter, mark), () => letterText(letter, mark, report.colors))
}

async function replayLetters(reading: Reading, { options, environment, report }: Invocation<ReplayCommandOptions>): Promise<number> {
  const { id, to, rate, limit, again = false, dryRun = false } = options
  const ids = id && idsOf(id)
  const filter = { ...filterOf(options), ids: id && new Set(id) }
  const topics = ids === undefined ? named(reading.topics) : [...new Set(ids.map(({ topic }) => topic))]
  const described = await describeAll(reading.admin, topics)
  const results: ReplayResult[] = []
  const unseen = new Set(id)
  for (const topic of described) {
    const left = limit === undefined ? undefined : limit - sum(results, 'replayed')
    if (left === 0 || environment.stop.aborted) break
    const common = { filter, to, rate, again, limit: left, dryRun, clock: environment.clock }
    const how: ReplayOptions = { ...common, onProgress: () => undefined, onFound: (found) => void unseen.delete(found) }
    const due =
      dryRun || !environment.stderr.isTerminal ? 0 : (await replay(topic, { ...how, rate: undefined, dryRun: true }, reading)).replayed
    const bar = progress(due, 'replayed', { environment, report })
    try {
      results.push(await replay(topic, { ...how, onProgress: (count) => bar.add(count) }, reading))
    } finally {
      bar.stop()
    }
  }
  const replayed = sum(results, 'replayed')
  const [before, withoutOrigin] = [sum(results, 'before'), sum(results, 'withoutOrigin')]
  await report.result({ replayed, dryRun, before, withoutOrigin, topics: results }, () =>
    replayText({ replayed, before, withoutOrigin }, results, dryRun),
  )
  if (environment.stop.aborted) return EXIT.interrupted
  // Beyond a limit nobody has looked.
  if (unseen.size > 0 && (limit === undefined || replayed < limit))
    throw new NotFoundError(`There is no dead letter ${[...unseen].join(', ')}: never, no more, or not with what else is asked for.`)
  return EXIT.done
}

function replayText(
  counts: Record<'replayed' | 'before' | 'withoutOrigin', number>,
  results: readonly ReplayResult[],
  dryRun: boolean,
): string {
  const into = results.flatMap(({ topic, byTopic }) => Object.entries(byTopic).map(([to, count]) => `  ${count} from ${topic} to ${to}\n`))
  const left = [
    ...(counts.before === 0 ? [] : [`${counts.before} replayed before (--again)`]),
    ...(counts.withoutOrigin === 0 ? [] : [`${counts.withoutOrigin} that do not say where they come from (--to)`]),
  ]
  const done = `${counted(counts.replayed, 'dead letter')} ${dryRun ? 'would be replayed' : counts.replayed === 1 ? 'was replayed' : 'were replayed'}`
  return `${done}${left.length === 0 ? '' : `; left out: ${left.join(', ')}`}.\n${into.join('')}`
}

function sum(results: readonly ReplayResult[], name: 'replayed' | 'before' | 'withoutOrigin'): number {
  return results.reduce((total, one) => total + one[name], 0)
}

function named(topics: readonly string[]): readonly string[] {
  if (topics.length === 0) throw new UsageError('Name the topic of dead letters with --topic.')
  return topics
}

function idsOf(ids: readonly string[]): readonly { readonly topic: string }[] {
  return ids.map((id) => {
    const place = placeOf(id)
    if (place === undefined) throw new InvalidArgumentError(`'${id}' is no dead letter: name it as list does, topic-partition@offset.`)
    return place
  })
}
