import type { OffsetCommit, TopicPartition } from '@millrace/core'
import { CLOSE_TIMEOUT_MS } from './close-timeout.ts'
import { committedOffsets } from './committed-offsets.ts'
import { promised } from './promised.ts'
import type { RawConsumer } from './raw-api.ts'

/** Groups asked for are few, mostly one, and asked again and again. */
const MAX_READERS = 4

/** Reads committed offsets of groups without joining them: see {@link committedOffsets} for why each needs a consumer of its own. */
export class GroupReaders {
  readonly #open: (groupId: string) => Promise<RawConsumer>
  readonly #timeoutMs: number
  /** In the order of their last use. */
  readonly #readers = new Map<string, Promise<RawConsumer>>()
  #last: Promise<unknown> = Promise.resolve()

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
    await this.#last
    await Promise.all(Array.from(this.#readers.keys(), (groupId) => this.#close(groupId)))
  }

  async #reader(groupId: string): Promise<RawConsumer> {
    const reader = this.#readers.get(groupId) ?? this.#open(groupId)
    this.#readers.delete(groupId)
    this.#readers.set(groupId, reader)
    const [oldest] = this.#readers.keys()
    if (this.#readers.size > MAX_READERS && oldest !== undefined) await this.#close(oldest)
    try {
      return await reader
    } catch (error) {
      this.#readers.delete(groupId)
      throw error
    }
  }

  async #close(groupId: string): Promise<void> {
    const reader = await this.#readers.get(groupId)
    this.#readers.delete(groupId)
    if (reader !== undefined) await promised('disconnect', CLOSE_TIMEOUT_MS, (callback) => reader.disconnect(callback))
  }
}
