import type { OffsetCommit, TopicPartition } from '@millrace/core'
import { closed } from '../errors/kafka-error.ts'
import { allEnded } from './all-ended.ts'
import { committedOffsets } from './committed-offsets.ts'
import type { RawConsumer } from './raw-api.ts'
import { UnderWay } from './under-way.ts'

/** Groups asked for are few, mostly one, and asked again and again. */
const MAX_READERS = 4

interface Reader {
  readonly consumer: RawConsumer
  readonly underWay: UnderWay
}

/** Reads committed offsets of groups without joining them: see {@link committedOffsets} for why each needs a consumer of its own. */
export class GroupReaders {
  readonly #open: (groupId: string) => Promise<RawConsumer>
  readonly #timeoutMs: number
  /** In the order of their last use. */
  readonly #readers = new Map<string, Reader>()
  #last: Promise<unknown> = Promise.resolve()
  #closing = false

  constructor(open: (groupId: string) => Promise<RawConsumer>, timeoutMs: number) {
    this.#open = open
    this.#timeoutMs = timeoutMs
  }

  /** One after the other, so that no reader is closed while it is asked. */
  committed(groupId: string, partitions: readonly TopicPartition[]): Promise<readonly OffsetCommit[]> {
    const committed = this.#last.then(async () => committedOffsets(await this.#reader(groupId), partitions, this.#timeoutMs))
    this.#last = committed.catch(() => undefined)
    return committed
  }

  async close(): Promise<void> {
    this.#closing = true
    // Whose question is under way is told to ask no further; and there may be one that is only being opened.
    const known = this.#closeAll()
    await Promise.allSettled([known])
    await this.#last
    await allEnded([known, this.#closeAll()])
  }

  async #reader(groupId: string): Promise<Reader> {
    if (this.#closing) throw closed('source', 'Kafka client')
    const reader = this.#readers.get(groupId) ?? (await this.#openReader(groupId))
    this.#readers.delete(groupId)
    this.#readers.set(groupId, reader)
    return reader
  }

  async #openReader(groupId: string): Promise<Reader> {
    const [oldest] = this.#readers
    if (this.#readers.size >= MAX_READERS && oldest !== undefined) {
      const [leastUsed, reader] = oldest
      this.#readers.delete(leastUsed)
      // That it does not disconnect in time is no answer to a question about another group.
      await disconnect(reader).catch(() => undefined)
    }
    const reader = { consumer: await this.#open(groupId), underWay: new UnderWay() }
    if (!this.#closing) return reader
    await disconnect(reader)
    throw closed('source', 'Kafka client')
  }

  async #closeAll(): Promise<void> {
    const readers = [...this.#readers.values()]
    this.#readers.clear()
    await allEnded(readers.map(disconnect))
  }
}

function disconnect({ consumer, underWay }: Reader): Promise<void> {
  return underWay.close((callback) => consumer.disconnect(callback))
}
