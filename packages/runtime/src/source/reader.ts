import { type Clock, type Logger, MillraceError, partitionKey, type RecordSource } from '@millrace/core'
import { Wakeup } from '../internal/wakeup.ts'
import type { Task } from '../task/task.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { ReadBuffer } from './read-buffer.ts'

/** How long one poll waits for something to arrive. */
const POLL_MS = 1_000
/** Before polling again after an error that may pass. */
const RETRY_MS = 500

/** Who gets what is read from a partition. */
export interface Reading {
  readonly task: Task
  readonly queue: PartitionQueue
}

export interface ReaderOptions {
  readonly source: RecordSource
  readonly clock: Clock
  readonly logger: Logger
  readonly buffer: ReadBuffer
  /** Everything that is assigned now, by {@link partitionKey}. */
  readonly readings: () => ReadonlyMap<string, Reading>
  readonly onError: (error: unknown) => void
}

/**
 * Polls, while what was read before is processed, and hands each partition's records to its task. Bounded: when too much waits it stops
 * polling, or, if some task has nothing to do, pauses the partitions that hold more than their share.
 */
export class Reader {
  readonly #options: ReaderOptions
  readonly #wakeup = new Wakeup()
  #stopped = false
  /** Partitions that are paused; some may have been taken away meanwhile. */
  #paused = 0
  #loop: Promise<void> = Promise.resolve()

  constructor(options: ReaderOptions) {
    this.#options = options
  }

  start(): void {
    this.#loop = this.#run()
  }

  /** Something was processed: there may be room again. A poll that waits is told at once of partitions that go on. */
  progressed(): void {
    if (this.#paused > 0) this.#resumeDrained()
    this.#wakeup.notify()
  }

  /** Hands out nothing more. A poll may still be under way: it ends when the source is closed. */
  stop(): void {
    this.#stopped = true
    this.#wakeup.notify()
  }

  /** Resolves when the last poll has ended. */
  ended(): Promise<void> {
    return this.#loop
  }

  async #run(): Promise<void> {
    const { source, logger, clock, onError } = this.#options
    while (!this.#stopped) {
      if (!this.#makeRoom()) {
        await this.#wakeup.wait()
        continue
      }
      try {
        this.#distribute(await source.poll(POLL_MS))
      } catch (error) {
        if (this.#stopped) return
        if (!(error instanceof MillraceError && error.retryable)) {
          onError(error)
          return
        }
        logger.warn({ err: error }, 'reading failed and is tried again')
        await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve))
      }
    }
  }

  #distribute({ batches, ends }: Awaited<ReturnType<RecordSource['poll']>>): void {
    if (this.#stopped) {
      // Ends count for nothing either: they would say that what is dropped here had been processed.
      for (const wire of batches) wire.release()
      return
    }
    const readings = this.#options.readings()
    for (const wire of batches) {
      const reading = readings.get(partitionKey(wire.topic, wire.partition))
      if (reading === undefined) wire.release()
      else reading.task.offer(reading.queue, wire)
    }
    for (const { topic, partition, offset } of ends) {
      const reading = readings.get(partitionKey(topic, partition))
      reading?.task.offerEnd(reading.queue, offset)
    }
  }

  /** Whether to poll. */
  #makeRoom(): boolean {
    const { source, buffer, readings } = this.#options
    this.#resumeDrained()
    buffer.stalled = false
    if (!buffer.full) return true
    const all = [...readings().values()]
    const starved = all.some(({ task, queue }) => task.state === 'running' && queue.length === 0 && !queue.paused)
    for (const { queue } of starved ? all : []) {
      if (!queue.paused && buffer.holdsShare(queue, all.length)) {
        queue.paused = true
        this.#paused++
        source.pause([queue])
      }
    }
    // Whoever waits for more than there is room for would wait for ever; not if others that hold it all are paused, and reading goes on.
    buffer.stalled = !starved
    for (const { task, queue } of all) if (queue.length > 0) task.wake()
    return starved
  }

  /** Resumes paused partitions that hold no more than half of their share: a pause is dear, so there is a distance between the two. */
  #resumeDrained(): void {
    const { source, buffer, readings } = this.#options
    const all = readings()
    this.#paused = 0
    for (const { queue } of all.values()) {
      if (!queue.paused) continue
      if (buffer.holdsShare(queue, 2 * all.size)) this.#paused++
      else {
        queue.paused = false
        source.resume([queue])
      }
    }
  }
}
