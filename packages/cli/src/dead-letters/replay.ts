import {
  type Clock,
  type Header,
  MillraceError,
  type RecordWriter,
  type TopicDescription,
  viewColumn,
  withoutDeadLetterHeaders,
  type WriteBatch,
} from '@millrace/core'
import { wait } from '../command-line/environment.ts'
import { NotFoundError } from '../command-line/errors.ts'
import { type DeadLetter, type DeadLetterFilter, idOf } from './dead-letter.ts'
import { deadLettersOf, type DeadLetterReading } from './dead-letter-topics.ts'
import { marksTopic, ReplayMarks } from './replay-marks.ts'

/** Records of one transaction, at most. */
const MOST_AT_ONCE = 500
/** Far more than one of them takes. */
const TRANSACTION_MS = 60_000
/** Says which dead letter a record was. */
const REPLAYED_FROM = 'millrace.replayed.from'

export interface ReplayOptions {
  readonly filter: DeadLetterFilter
  /** Instead of the topic that each comes from. */
  readonly to: string | undefined
  /** Records a second; undefined: as fast as it goes. */
  readonly rate: number | undefined
  /** Also what was replayed before. */
  readonly again: boolean
  /** At most so many. */
  readonly limit: number | undefined
  /** Only counts. */
  readonly dryRun: boolean
  readonly clock: Clock
  readonly onProgress: (replayed: number) => void
  /** Told of each dead letter that the filter lets through, whether it is due or not. */
  readonly onFound?: ((id: string) => void) | undefined
}

export interface ReplayResult {
  readonly topic: string
  readonly replayed: number
  /** Left out: replayed before. */
  readonly before: number
  /** Left out: their headers do not say where they come from. */
  readonly withoutOrigin: number
  /** By the topic written to. */
  readonly byTopic: Readonly<Record<string, number>>
}

/**
 * Writes dead letters of one topic back to where they come from, some at a time, each time in one transaction with marks that say so. So however it ends,
 * and however often it is done, none is replayed twice, and none is missed. Who replays the same topic later fences who did before.
 */
export async function replay(topic: TopicDescription, options: ReplayOptions, reading: DeadLetterReading): Promise<ReplayResult> {
  const { transport, admin, context } = reading
  if (options.dryRun) return new Replay(topic, options, reading).run(await ReplayMarks.read(topic, reading), undefined)
  await ReplayMarks.prepare(topic.topic, admin)
  const transactionalId = `millrace-replay-${topic.topic}`
  await using writer = await transport.openWriter(
    { clientId: 'millrace-cli', transactionalId, transactionTimeoutMs: TRANSACTION_MS },
    context,
  )
  // Now that what another one left open has ended: its marks are there, or never will be.
  const marks = await ReplayMarks.read(topic, reading)
  const result = await new Replay(topic, options, reading).run(marks, writer)
  const stale = await marks.stale(admin)
  if (stale !== undefined) await inTransaction(writer, [stale])
  return result
}

class Replay {
  readonly #topic: TopicDescription
  readonly #options: ReplayOptions
  readonly #reading: DeadLetterReading
  readonly #targets = new Map<string, number>()
  readonly #byTopic: Record<string, number> = {}
  #replayed = 0
  #before = 0
  #withoutOrigin = 0
  /** When the last ones were there. */
  #last = 0

  constructor(topic: TopicDescription, options: ReplayOptions, reading: DeadLetterReading) {
    this.#topic = topic
    this.#options = options
    this.#reading = reading
  }

  async run(marks: ReplayMarks, writer: RecordWriter | undefined): Promise<ReplayResult> {
    const { filter, limit = Infinity, onFound } = this.#options
    this.#last = this.#options.clock.monotonic()
    for await (const letters of deadLettersOf(this.#topic, filter, this.#reading)) {
      if (onFound !== undefined) for (const { record } of letters) onFound(idOf(record))
      const due = letters.filter((letter) => this.#isDue(letter, marks)).slice(0, limit - this.#replayed)
      for (let at = 0; at < due.length && !this.#reading.stop.aborted;) {
        const some = due.slice(at, at + this.#atOnce())
        if (writer !== undefined) await this.#paced(some.length)
        if (this.#reading.stop.aborted) break
        await this.#write(some, marks, writer)
        at += some.length
      }
      if (this.#replayed >= limit || this.#reading.stop.aborted) break
    }
    const [before, withoutOrigin] = [this.#before, this.#withoutOrigin]
    return { topic: this.#topic.topic, replayed: this.#replayed, before, withoutOrigin, byTopic: this.#byTopic }
  }

  #isDue(letter: DeadLetter, marks: ReplayMarks): boolean {
    if (!this.#options.again && marks.of(letter.record) !== undefined) {
      this.#before++
      return false
    }
    if (letter.info === undefined && this.#options.to === undefined) {
      this.#withoutOrigin++
      return false
    }
    return true
  }

  /** What half a second has room for. */
  #atOnce(): number {
    const { rate } = this.#options
    return rate === undefined ? MOST_AT_ONCE : Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(rate / 2)))
  }

  /** Waits until so many more are within the rate. What was missed while a broker was slow is not made up for: it would come in one burst. */
  async #paced(count: number): Promise<void> {
    const { rate, clock } = this.#options
    if (rate === undefined) return
    const ms = this.#last + (count / rate) * 1_000 - clock.monotonic()
    if (ms > 0) await wait(ms, { clock, stop: this.#reading.stop })
  }

  async #write(letters: readonly DeadLetter[], marks: ReplayMarks, writer: RecordWriter | undefined): Promise<void> {
    const { to, clock, onProgress } = this.#options
    const byTopic = new Map<string, DeadLetter[]>()
    for (const letter of letters) {
      const target = to ?? letter.info?.topic ?? ''
      byTopic.set(target, [...(byTopic.get(target) ?? []), letter])
    }
    for (const target of byTopic.keys()) await this.#requireTopic(target)
    if (writer !== undefined)
      await inTransaction(writer, [
        ...[...byTopic].map(([target, own]) => this.#batch(target, own)),
        this.#marksOf(byTopic, marks, clock.now()),
      ])
    for (const [target, own] of byTopic) this.#byTopic[target] = (this.#byTopic[target] ?? 0) + own.length
    this.#replayed += letters.length
    this.#last = clock.monotonic()
    onProgress(letters.length)
  }

  async #requireTopic(target: string): Promise<void> {
    if (this.#targets.has(target)) return
    if (target === this.#topic.topic) {
      throw new MillraceError('REPLAY_CIRCLE', `Dead letters of '${target}' come from '${target}' itself: name another topic with --to.`, {
        stage: 'sink',
      })
    }
    const [found] = await this.#reading.admin.describeTopics([target])
    if (found === undefined) {
      throw new NotFoundError(
        `Topic '${target}', which dead letters come from, does not exist: name another with --to, or leave them out with --from-topic.`,
      )
    }
    this.#targets.set(target, found.partitions)
  }

  /** Where it comes from it goes to the partition that it had there; elsewhere its key decides. */
  #batch(target: string, letters: readonly DeadLetter[]): WriteBatch {
    const count = this.#targets.get(target) ?? 0
    return {
      topic: target,
      length: letters.length,
      keys: viewColumn(letters.map(({ record }) => record.key)),
      values: viewColumn(letters.map(({ record }) => record.value)),
      timestamps: letters.map(({ record }) => record.timestamp),
      headers: letters.map(({ record }): Header[] => [
        ...withoutDeadLetterHeaders(record.headers).filter(({ key }) => key !== REPLAYED_FROM),
        { key: REPLAYED_FROM, value: new TextEncoder().encode(idOf(record)) },
      ]),
      partitions: letters.map(({ info }) => {
        const partition = info?.topic === target ? info.partition : undefined
        return partition !== undefined && partition < count ? partition : -1
      }),
    }
  }

  #marksOf(byTopic: ReadonlyMap<string, readonly DeadLetter[]>, marks: ReplayMarks, at: number): WriteBatch {
    const entries = [...byTopic].flatMap(([to, letters]) => letters.map(({ record }) => marks.entry(record, { to, at })))
    return {
      topic: marksTopic(this.#topic.topic),
      length: entries.length,
      keys: viewColumn(entries.map(({ key }) => key)),
      values: viewColumn(entries.map(({ value }) => value)),
      timestamps: entries.map(() => at),
      partitions: entries.map(() => 0),
    }
  }
}

async function inTransaction(writer: RecordWriter, writes: readonly WriteBatch[]): Promise<void> {
  await writer.begin()
  try {
    for (const write of writes) await writer.writeBatch(write)
    const [failure] = await writer.flush()
    if (failure !== undefined) throw failure.error
  } catch (error) {
    await writer.abort().catch(() => undefined)
    throw error
  }
  await writer.commit()
}
