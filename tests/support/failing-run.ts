import { randomUUID } from 'node:crypto'
import {
  type AppDefinition,
  type BatchOutcome,
  BatchRecordError,
  defineApp,
  type FailureOptions,
  type ProcessorContext,
  type RecordBatch,
  type RuntimeEvent,
  serdes,
  silentLogger,
  start,
  TopologyBuilder,
  type Transport,
} from 'millrace'
import { inMemory } from 'millrace/memory'
import { LogClient } from './log-client.ts'
import { temporaryFolder } from './temporary-folder.ts'

const pair = { key: serdes.string, value: serdes.int32 }
/** How often each value was processed well. */
const done = inMemory.keyValueStore({ name: 'done', key: serdes.int32, value: serdes.int32 })

export type How = 'throw' | 'index' | 'outcome' | 'single'
export const HOWS: readonly How[] = ['throw', 'index', 'outcome', 'single']
export const ACKNOWLEDGEMENTS = ['all-or-nothing', 'best-effort', 'last-successful'] as const

export interface Failing {
  readonly how: How
  /** How often processing each value fails; Infinity: always. */
  readonly times: ReadonlyMap<number, number>
}

/** Calls of a processor, by the values it was given. */
type Calls = number[][]

/** Writes and counts each value it is given, and fails with some of them. */
function failingProcessor({ how, times }: Failing, calls: Calls) {
  const left = new Map(times)
  const fails = (value: number): boolean => {
    const more = left.get(value) ?? 0
    left.set(value, more - 1)
    return more > 0
  }
  const succeed = (values: readonly number[], context: ProcessorContext<string, number>, sources: readonly number[]) => {
    const store = context.store(done)
    for (const value of values) store.set(value, (store.get(value) ?? 0) + 1)
    context.forwardBatch({ keys: values.map(() => 'k'), values, sources })
  }
  if (how === 'single') {
    return {
      process(record: { value: number }, context: ProcessorContext<string, number>) {
        calls.push([record.value])
        succeed([record.value], context, [0])
        if (fails(record.value)) throw new Error(`${record.value} is bad`)
      },
    }
  }
  return {
    processBatch(batch: RecordBatch<string, number>, context: ProcessorContext<string, number>): void | BatchOutcome {
      calls.push([...batch.values])
      const bad = batch.values.flatMap((value, index) => (fails(value) ? [{ index, error: new Error(`${value} is bad`) }] : []))
      const [first] = bad
      const badRows = new Set(bad.map(({ index }) => index))
      const good = batch.values.flatMap((value, i) => (badRows.has(i) ? [] : [{ value, i }]))
      if (how !== 'outcome' && first !== undefined) {
        // What it did before it failed leaves no trace.
        succeed(
          batch.values.slice(0, first.index + 1),
          context,
          batch.values.slice(0, first.index + 1).map((_, i) => i),
        )
        throw how === 'index' ? new BatchRecordError(first.index, first.error) : first.error
      }
      const values = good.map(({ value }) => value)
      succeed(
        values,
        context,
        good.map(({ i }) => i),
      )
      return { failed: bad }
    },
  }
}

export interface Ran {
  readonly calls: Calls
  readonly out: readonly number[]
  readonly dead: readonly number[]
  /** Headers of each dead letter, as text. */
  readonly deadHeaders: readonly ReadonlyMap<string, string>[]
  readonly events: readonly RuntimeEvent[]
  /** How often each value counts as processed. */
  readonly counted: ReadonlyMap<number, number>
  /** What made the application fail. */
  readonly error: unknown
  readonly committed: number | undefined
}

export interface FailingRun {
  readonly transport: Transport
  /** How many records there are: their values are 0 to `count - 1`, and they make one batch. */
  readonly count: number
  readonly failing: Failing
  readonly failure: FailureOptions
  readonly overrides?: Partial<AppDefinition> | undefined
}

/** Processes some values in one batch, with two retries and a dead-letter topic, until all is committed or the application has failed. */
export async function runFailing({ transport, count, failing, failure, overrides }: FailingRun): Promise<Ran> {
  await using folder = await temporaryFolder()
  const id = randomUUID().slice(0, 8)
  const [input, output, deadLetters] = [`in-${id}`, `out-${id}`, `dead-${id}`]
  const applicationId = `failing-${id}`
  await using log = await LogClient.open(transport)
  await log.createTopics({ [input]: 1, [output]: 1, [deadLetters]: 1 })
  const calls: Calls = []
  const events: RuntimeEvent[] = []
  const builder = new TopologyBuilder('failing')
  builder
    .source('in', { topics: [input], ...pair })
    .process<string, number>('work', { create: () => failingProcessor(failing, calls) as never, stores: [done] })
    .sink('out', { topic: output, ...pair })
  await log.write(
    input,
    pair,
    Array.from({ length: count }, (_, value) => ({ key: 'k', value })),
  )
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId,
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      observer: (event) => events.push(event),
      batch: { size: count, timeoutMs: 60_000, maxRetries: 2 },
      failure: { retry: { initialDelayMs: 0 }, deadLetter: { topic: deadLetters }, process: 'dead-letter', ...failure },
      ...overrides,
    }),
  )
  const running = app.run()
  running.catch(() => undefined)
  let error: unknown
  const counted = new Map<number, number>()
  try {
    await app.caughtUp()
    const store = app.store(done)
    for (let value = 0; value < count; value++) {
      const times = await store.get(value)
      if (times !== undefined) counted.set(value, times)
    }
    await app.close()
  } catch (caught) {
    error = caught
    await running.catch((failed: unknown) => (error = failed))
  }
  const source = await transport.openSource(
    { groupId: applicationId, clientId: 'look', isolation: 'read-committed' },
    { logger: silentLogger },
  )
  const [committed] = await source.committed([{ topic: input, partition: 0 }])
  await source.close()
  const deadRecords = await log.readAll(deadLetters, pair)
  const values = async (topic: string) => (await log.readAll(topic, pair)).map(({ value }) => value)
  return {
    calls,
    events,
    counted,
    error,
    committed: committed?.offset,
    out: await values(output),
    dead: deadRecords.map(({ value }) => value),
    deadHeaders: deadRecords.map(({ headers }) => new Map(headers.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()]))),
  }
}
