import {
  type AppHealth,
  type CommitParticipant,
  MillraceError,
  NO_HEADERS,
  type OpenOutsideSink,
  type OutsideSinkNode,
  partitionKey,
  type RecordWriter,
  type RefusedRecord,
  settledWithin,
  type SubTopology,
  type TopicPartition,
  type TopicPartitionOffset,
  type TransportAdmin,
} from '@millrace/core'
import { giveUp, type GivingUp } from '../failure/give-up.ts'
import { asLongAsWanted } from '../internal/as-long-as-wanted.ts'
import { Exclusive } from '../internal/exclusive.ts'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'
import type { PassOutput } from './sink-output.ts'
import type { RunningOutsideSink } from './stage-outside.ts'
import { writeNamed } from './write-named.ts'

/** How long a sink that is given up may take to close. */
const CLOSE_MS = 30_000

export interface OutsideSinksOptions extends Omit<GivingUp, 'row' | 'task'> {
  readonly nodes: readonly OutsideSinkNode[]
  readonly clock: Parameters<typeof settledWithin>[2]
  readonly admin: TransportAdmin
  /** For dead letters of rows that are refused when no pass is under way: no transaction covers them. */
  readonly openWriter: () => Promise<RecordWriter>
  /** The application can't go on. */
  readonly fail: (error: unknown) => void
}

/** A partition with the offset that is processed next. */
interface Reading extends TopicPartition {
  readonly nextOffset: number
}

/** The sinks outside of the log of an application: opened once, for all its tasks. */
export class OutsideSinks {
  readonly #options: OutsideSinksOptions
  readonly #open = new Map<string, OpenOutsideSink<unknown, unknown>>()
  readonly #writing = new Exclusive()
  #writer: Promise<RecordWriter> | undefined

  constructor(options: OutsideSinksOptions) {
    this.#options = options
  }

  get participants(): readonly CommitParticipant[] {
    return [...this.#open.values()]
  }

  /** Those that are not open yet. */
  async open(): Promise<void> {
    const { nodes, applicationId, clock, logger, fail } = this.#options
    for (const { name, sink } of nodes) {
      if (this.#open.has(name)) continue
      const refuse = (record: RefusedRecord) => this.#refuse(name, record)
      this.#open.set(name, await sink.open({ applicationId, node: name, clock, logger, refuse, fail }))
    }
  }

  /** Circuit breakers that are not closed, by node. */
  get circuits(): AppHealth['sinks'] {
    return Object.fromEntries(
      [...this.#open].flatMap(([node, { circuits }]) =>
        circuits === undefined || circuits.size === 0 ? [] : [[node, Object.fromEntries(circuits)] as const],
      ),
    )
  }

  of(node: string): RunningOutsideSink {
    return { node, sink: this.#sink(node) }
  }

  /** A task with these sinks begins to process its partitions. Rejects as soon as `signal` is aborted: from then on no sink is told of it. */
  async assign(nodes: readonly string[], readings: readonly Reading[], signal: AbortSignal): Promise<void> {
    if (nodes.length === 0) return
    const { admin } = this.#options
    const partitions = readings.map(({ topic, partition }) => ({ topic, partition }))
    const asking = Promise.all([
      admin.beginningOffsets(partitions),
      admin.endOffsets(partitions, 'read-uncommitted'),
      admin.describeTopics([...new Set(partitions.map(({ topic }) => topic))]),
    ])
    const [begins, ends, described] = await asLongAsWanted(asking, signal)
    const [begin, end] = [offsetsByPartition(begins), offsetsByPartition(ends)]
    const ids = new Map(described.map(({ topic, id }) => [topic, id]))
    const starting = readings.map(({ topic, partition, nextOffset: offset }) => {
      const key = partitionKey(topic, partition)
      return { topic, partition, offset, begin: begin.get(key) ?? 0, end: end.get(key) ?? offset, topicId: ids.get(topic) }
    })
    for (const node of nodes) {
      // The partitions may have another task by now, whose rows a sink would lose sight of.
      signal.throwIfAborted()
      await this.#sink(node).assign(starting, signal)
    }
  }

  revoke(nodes: readonly string[], partitions: readonly TopicPartition[]): void {
    for (const node of nodes) this.#open.get(node)?.revoke(partitions)
  }

  /** A pass of a task that reads these partitions is done. */
  accept(outside: PassOutput['outside'], [first]: readonly TopicPartition[]): void {
    if (outside === undefined || first === undefined) return
    const { topic, partition } = first
    // What comes of no record is held by the first partition of its task.
    for (const [node, records] of outside)
      this.#sink(node).accept(records.map((record) => (record.topic === '' ? { ...record, topic, partition, offset: -1 } : record)))
  }

  /** Whether passes of a task with these sinks, which reads these partitions, have to wait. */
  full(nodes: readonly string[], partitions: readonly TopicPartition[]): boolean {
    return nodes.some((node) => this.#sink(node).full(partitions))
  }

  async room(nodes: readonly string[], partitions: readonly TopicPartition[]): Promise<void> {
    for (const node of nodes) await this.#sink(node).room(partitions)
  }

  /** Never rejects. */
  async close(): Promise<void> {
    const { clock, logger } = this.#options
    for (const [node, sink] of this.#open) {
      const closing = sink.close()
      closing.catch((error: unknown) => logger.warn({ err: error, node }, 'a sink failed to close'))
      if (!(await settledWithin(closing, CLOSE_MS, clock))) logger.warn({ node, limitMs: CLOSE_MS }, 'a sink did not close in time')
    }
    const writer = await this.#writer?.catch(() => undefined)
    await writer?.close().catch(() => undefined)
  }

  async #refuse(node: string, { value, error, ...at }: RefusedRecord): Promise<void> {
    const { clock: _, admin: _admin, openWriter, fail, nodes: _nodes, ...giving } = this.#options
    const failed = {
      ...at,
      stage: 'produce',
      node,
      key: null,
      value,
      headers: NO_HEADERS,
      error,
      attempts: 1,
      batchSize: 1,
      index: 0,
    } as const
    const located = locate(node, at, error)
    const output = await giveUp(failed, located, { ...giving, task: node, row: 0 }).catch((failure: unknown) => {
      fail(failure)
      throw failure
    })
    if (output === undefined) return
    // One after the other: what a flush fails with is this one's.
    const failure = await this.#writing.run(async () => {
      const writer = await this.#openedWriter(openWriter)
      await writeNamed(writer, output.write)
      return (await writer.flush())[0]
    })
    if (failure === undefined) return
    fail(failure.error)
    throw failure.error
  }

  #openedWriter(open: OutsideSinksOptions['openWriter']): Promise<RecordWriter> {
    if (this.#writer !== undefined) return this.#writer
    const opening = open()
    this.#writer = opening
    opening.catch(() => {
      this.#writer = undefined
    })
    return opening
  }

  #sink(node: string): OpenOutsideSink<unknown, unknown> {
    const sink = this.#open.get(node)
    if (sink === undefined) throw new MillraceError('NOT_RUNNING', `Sink '${node}' is not open.`, { stage: 'sink', node })
    return sink
  }
}

/** Names of the sinks outside of the log. */
export function outsideNodes({ nodes }: SubTopology): string[] {
  return nodes.flatMap(({ kind, name }) => (kind === 'outside-sink' ? [name] : []))
}

function locate(node: string, { topic, partition, offset }: TopicPartitionOffset, cause: Error): MillraceError {
  const message = `Sink '${node}' can't store a row that comes from ${topic}-${partition}, offset ${offset}: ${cause.message}`
  return new MillraceError('ROW_REFUSED', message, { stage: 'sink', node, topic, partition, offset, cause })
}
