import {
  ManualClock,
  type Logger,
  type OpenStoreBackend,
  type RecordSource,
  type RecordWriter,
  silentLogger,
  type StoreBackend,
  type WriteBatch,
} from '@millrace/core'
import { memory, type MemoryFaults, type MemoryOperation, type MemoryTransport } from '@millrace/transport-memory'
import { createPublisher, event, type EventDefinitions, type PublisherOptions } from '@millrace/publisher'
import { backendWith } from './backend-with.ts'

/** An event that says its key, and which it is of its key. */
export interface Numbered {
  readonly key?: string | null
  readonly n: number
  readonly pad?: string
}

export const numbered = (topic: string, more: object = {}) => event<Numbered>({ topic, key: ({ key }) => key, ...more })

export const threeTopics = { a: numbered('a'), b: numbered('b'), c: numbered('c') }

const context = { logger: silentLogger }

/** Until everything that waits for nothing but itself is done. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** What was logged, by message. */
function recordingLogger() {
  const lines: { readonly message: string; readonly about: Record<string, unknown> }[] = []
  const log = (about: object, message?: string) => lines.push({ message: message ?? '', about: about as Record<string, unknown> })
  const logger = { debug: log, info: log, warn: log, error: log } as unknown as Logger
  return { logger, flushes: () => lines.filter(({ message }) => message === 'events were flushed').map(({ about }) => about), lines }
}

export interface Options<Events extends EventDefinitions> extends Partial<PublisherOptions<Events>> {
  readonly events: Events
  readonly faults?: MemoryFaults
  readonly topicConfig?: Readonly<Record<string, string>>
  /** A topic that does not exist. */
  readonly missing?: string
}

/** A publisher on an embedded log with a clock by hand, and what it sends. */
export async function publishing<Events extends EventDefinitions>({ faults = {}, topicConfig = {}, missing, ...given }: Options<Events>) {
  const clock = new ManualClock()
  const { options, outboxClosed } = withNotedClose(given)
  const sends: { readonly topic: string; readonly records: number }[] = []
  const before = (operation: MemoryOperation) => {
    if (operation.type === 'send') sends.push({ topic: operation.topic, records: operation.records })
    return faults.before?.(operation)
  }
  const transport = memory({ faults: { ...faults, before } })
  const admin = await transport.openAdmin(context)
  const topics = [...new Set(Object.values(options.events).map(({ topic }) => topic))].filter((topic) => topic !== missing)
  await admin.createTopics(topics.map((topic) => ({ topic, partitions: 2, config: topicConfig })))
  /** The topics of each operation of a writer. */
  const operations: string[][] = []
  const openWriter = transport.openWriter.bind(transport)
  transport.openWriter = async (...args) => {
    const writer = (await openWriter(...args)) as Required<RecordWriter>
    const send = writer.send.bind(writer)
    return Object.assign(writer, {
      send(batches: readonly WriteBatch[]) {
        operations.push(batches.map(({ topic }) => topic))
        return send(batches)
      },
    })
  }
  const recorded = recordingLogger()
  const publisher = createPublisher<Events>({
    transport,
    clock,
    environment: {},
    logger: recorded.logger,
    retry: { jitter: 0, initialDelayMs: 100 },
    ...options,
  })
  const advance = async (ms: number) => {
    await settle()
    await clock.advance(ms, settle)
    await settle()
  }
  /** Without waiting for what is stuck; the folder of an outbox is free then. */
  const closeNow = async () => {
    const closing = publisher.close({ timeoutMs: 0 })
    await advance(0)
    await advance(2_000)
    const closed = await closing
    await outboxClosed()
    return closed
  }
  return {
    publisher,
    closeNow,
    clock,
    sends,
    operations,
    advance,
    transport,
    read: (topic: string) => readTopic(transport, topic),
    ...recorded,
  }
}

/** A publisher waits for its outbox by the clock, which a hand moves faster than a disk. */
function withNotedClose<Given extends Pick<PublisherOptions<EventDefinitions>, 'outbox'>>(given: Given) {
  const closes: Promise<unknown>[] = []
  const noted = (backend: StoreBackend): StoreBackend =>
    backendWith(backend, {
      close() {
        const closing = backend.close()
        closes.push(closing)
        return closing
      },
    })
  const outboxClosed = () => Promise.allSettled(closes)
  const { outbox } = given
  if (outbox === undefined) return { options: given, outboxClosed }
  const open: OpenStoreBackend = async (options) => noted(await outbox.open(options))
  return { options: { ...given, outbox: { ...outbox, open } }, outboxClosed }
}

/** The payloads and places of everything in a topic. */
export async function readTopic(transport: MemoryTransport, topic: string) {
  const source: RecordSource = await transport.openSource({ clientId: 'reader', isolation: 'read-committed' }, context)
  await source.assign([0, 1].map((partition) => ({ topic, partition, offset: 0 })))
  const found: {
    readonly payload: Numbered
    readonly partition: number
    readonly offset: number
    readonly headers: Record<string, string>
  }[] = []
  for (let idle = 0; idle < 3;) {
    const { batches } = await source.poll(0)
    idle = batches.length === 0 ? idle + 1 : 0
    for (const batch of batches) {
      for (let i = 0; i < batch.length; i++) {
        const { values } = batch
        const text = values.form === 'views' ? values.views[i] : values.bytes.subarray(values.starts[i], values.ends[i])
        const headers = (batch.headers?.[i] ?? []).map(({ key, value }) => [key, Buffer.from(value ?? []).toString()])
        found.push({
          payload: JSON.parse(Buffer.from(text as Uint8Array).toString()) as Numbered,
          partition: batch.partition,
          offset: batch.offsets[i] as number,
          headers: Object.fromEntries(headers) as Record<string, string>,
        })
      }
      batch.release()
    }
  }
  await source.close()
  return found
}
