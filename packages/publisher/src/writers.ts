import { asError, type Compression, type Logger, MillraceError, type RecordWriter, type Transport, type WriteBatch } from '@millrace/core'
import { ANOTHER_CLIENT, type Sent } from './flight.ts'

export interface WritersOptions {
  readonly transport: Transport
  readonly clientId: string
  readonly logger: Logger
}

/** A writer for each codec that is used, opened when it is needed first, and anew when it has died. */
export class Writers {
  readonly #options: WritersOptions
  readonly #opening = new Map<Compression, Promise<RecordWriter>>()
  readonly #open = new Map<Compression, RecordWriter>()
  readonly #leaving = new Set<Promise<void>>()
  #closed = false

  constructor(options: WritersOptions) {
    this.#options = options
  }

  /** One send for all batches. The promises never reject. `onTaken`: a writer has them from now on; without one that is open that takes a while. */
  send(compression: Compression, batches: readonly WriteBatch[], onTaken: () => void): readonly Promise<readonly Sent[]>[] {
    const writer = this.#open.get(compression)
    if (writer !== undefined) {
      onTaken()
      return this.#sendBy(writer, compression, batches)
    }
    const sent = this.#writer(compression).then((opened) => {
      onTaken()
      return this.#sendBy(opened, compression, batches)
    })
    return batches.map(async (batch, i) => {
      try {
        return (await (
          await sent
        )[i]) as readonly Sent[]
      } catch (thrown) {
        const error = asMillraceError(thrown)
        return Array.from({ length: batch.length }, () => ({ outcome: 'refused' as const, error, unopened: true as const }))
      }
    })
  }

  #sendBy(writer: RecordWriter, compression: Compression, batches: readonly WriteBatch[]): readonly Promise<readonly Sent[]>[] {
    const sent = (writer as Required<RecordWriter>).send(batches)
    return sent.map(async (deliveries) => {
      const settled = await deliveries
      const isDead = settled.some((one) => one.outcome !== 'written' && ANOTHER_CLIENT.has(one.error.code))
      if (isDead && this.#open.get(compression) === writer) this.#leave(compression, writer)
      return settled
    })
  }

  #writer(compression: Compression): Promise<RecordWriter> {
    let opening = this.#opening.get(compression)
    if (opening === undefined) {
      opening = this.#openOne(compression).finally(() => this.#opening.delete(compression))
      this.#opening.set(compression, opening)
    }
    return opening
  }

  async #openOne(compression: Compression): Promise<RecordWriter> {
    const { transport, clientId, logger } = this.#options
    if (this.#closed) throw closedMeanwhile()
    const writer = await transport.openWriter({ clientId, deliveryReports: true, compression }, { logger })
    if (writer.send === undefined) {
      await writer.close()
      throw noReports(transport.name)
    }
    if (this.#closed) {
      await writer.close()
      throw closedMeanwhile()
    }
    this.#open.set(compression, writer)
    return writer
  }

  #leave(compression: Compression, writer: RecordWriter): void {
    this.#open.delete(compression)
    const left = writer
      .close()
      .catch((error: unknown) => this.#options.logger.warn({ err: error }, 'a writer of the publisher did not close'))
      .finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
  }

  /** Resolves when everything is closed, or has failed to. */
  async close(): Promise<void> {
    this.#closed = true
    for (const [compression, writer] of this.#open) this.#leave(compression, writer)
    await Promise.allSettled(this.#opening.values())
    await Promise.all(this.#leaving)
  }
}

function closedMeanwhile(): MillraceError {
  return new MillraceError('CLOSED', 'The publisher is closed.', { stage: 'sink' })
}

function noReports(transport: string): MillraceError {
  return new MillraceError(
    'NO_DELIVERY_REPORTS',
    `Writers of transport '${transport}' tell nothing of each record: a publisher needs that.`,
    {
      stage: 'sink',
    },
  )
}

function asMillraceError(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown
  return new MillraceError('WRITE_FAILED', asError(thrown).message, { stage: 'sink', cause: thrown })
}
