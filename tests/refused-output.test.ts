import { describe, expect, test } from 'vitest'
import { bytesAt, MillraceError, type Transport, type WriteBatch, type WriteFailure } from '@millrace/core'
import {
  defineApp,
  type FailedRecord,
  type FailureOptions,
  type ProcessingGuarantee,
  type RuntimeEvent,
  serdes,
  silentLogger,
  start,
  TopologyBuilder,
} from 'millrace'
import { memory } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { transportWith } from './support/transport-with.ts'

const pair = { key: serdes.string, value: serdes.int32 }

/** A broker that takes every record but some values, which its topic refuses when they are delivered: late, and without saying which they were. */
function refusing(transport: Transport, refuses: (topic: string, value: number) => boolean): Transport {
  return transportWith(transport, {
    openWriter: async (options, context) => {
      const writer = await transport.openWriter(options, context)
      const [write, flush] = [writer.writeBatch.bind(writer), writer.flush.bind(writer)]
      let failures: WriteFailure[] = []
      let failed = false
      const abort = writer.abort.bind(writer)
      writer.abort = () => {
        failed = false
        return abort()
      }
      writer.writeBatch = async (batch) => {
        // The client takes nothing more for a transaction that has failed, and does not say why.
        if (failed && options.transactionalId !== undefined)
          throw new MillraceError('TRANSACTION_ABORTABLE', 'It can only be aborted.', { stage: 'commit' })
        const good: number[] = []
        for (let i = 0; i < batch.length; i++) {
          const value = bytesAt(batch.values, i) as Uint8Array
          const number = value.byteLength === 4 ? serdes.int32.deserialize(value, 0, 4) : Number.NaN
          if (refuses(batch.topic, number)) {
            failures.push(tooLarge(batch.topic))
            failed = true
          } else good.push(i)
        }
        for (const i of good) await write(one(batch, i))
      }
      writer.flush = async () => {
        const told = failures
        failures = []
        return [...told, ...(await flush())]
      }
      return writer
    },
  })
}

function tooLarge(topic: string): WriteFailure {
  const error = new MillraceError('RECORD_TOO_LARGE', `The record is too large for topic '${topic}'.`, { stage: 'sink', topic })
  return { topic, partition: 0, error }
}

function one(batch: WriteBatch, i: number): WriteBatch {
  return {
    topic: batch.topic,
    length: 1,
    keys: { form: 'views', length: 1, views: [bytesAt(batch.keys, i)] },
    values: { form: 'views', length: 1, views: [bytesAt(batch.values, i)] },
    timestamps: [batch.timestamps[i] as number],
    headers: batch.headers === undefined ? undefined : [batch.headers[i]],
    partitions: batch.partitions === undefined ? undefined : [batch.partitions[i] as number],
  }
}

interface Refusing {
  readonly count: number
  readonly refuses: (topic: string, value: number) => boolean
  readonly failure: FailureOptions
  /** A record whose value is too short. */
  readonly undecodable?: number
}

async function run(processingGuarantee: ProcessingGuarantee, { count, refuses, failure, undecodable }: Refusing) {
  await using folder = await temporaryFolder()
  const transport = memory()
  await using log = await LogClient.open(transport)
  await log.createTopics({ in: 1, out: 1, dead: 1 })
  const builder = new TopologyBuilder('copies')
  builder.source('in', { topics: ['in'], ...pair }).sink('copy', { topic: 'out', ...pair })
  await log.write(
    'in',
    pair,
    Array.from({ length: undecodable ?? count }, (_, value) => ({ key: 'k', value })),
  )
  if (undecodable !== undefined) {
    await log.write('in', { key: serdes.string, value: serdes.bytes }, [{ key: 'k', value: new Uint8Array(3) }])
    await log.write(
      'in',
      pair,
      Array.from({ length: count - undecodable - 1 }, (_, i) => ({ key: 'k', value: undecodable + 1 + i })),
    )
  }
  const events: RuntimeEvent[] = []
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId: 'copies',
      transport: refusing(transport, refuses),
      stateDir: folder.path,
      logger: silentLogger,
      batch: { size: 10, timeoutMs: 1 },
      processingGuarantee,
      transactionTimeoutMs: 120_000,
      commit: { intervalMs: 60_000, records: 25 },
      observer: (event) => events.push(event),
      failure: { deadLetter: { topic: 'dead' }, ...failure },
    }),
  )
  const running = app.run()
  let error: unknown
  const failed = running.catch((caught: unknown) => (error = caught))
  try {
    await app.caughtUp()
    await app.close()
  } catch {
    await failed
  }
  const [committed] = await log.committed('copies', 'in')
  const values = async (topic: string) => (await log.readAll(topic, pair)).map(({ value }) => value)
  return { error, events, committed, out: await values('out'), dead: await values('dead') }
}

const upTo = (count: number) => Array.from({ length: count }, (_, value) => value)
/** Each once, in the order of their last time. */
const last = (values: readonly number[]) => [...new Set(values.toReversed())].toReversed()

describe.each(['at-least-once', 'exactly-once'] as const)('output that is refused when it is delivered, %s,', (guarantee) => {
  const told = guarantee === 'exactly-once' ? (values: readonly number[]) => values : last

  test('is found, record by record: the culprits alone are dead letters, all others are written, in order', async () => {
    const bad = new Set([13, 14, 37])
    const asked: FailedRecord[] = []
    const { error, out, dead, committed, events } = await run(guarantee, {
      count: 60,
      refuses: (topic, value) => topic === 'out' && bad.has(value),
      failure: {
        produce: (record) => {
          asked.push(record)
          return 'dead-letter'
        },
      },
    })
    expect(error).toBeUndefined()
    expect(told(out)).toEqual(upTo(60).filter((value) => !bad.has(value)))
    expect(told(dead)).toEqual([13, 14, 37])
    expect(committed).toBe(60)
    expect(asked[0]).toMatchObject({ stage: 'produce', node: 'copy', offset: 13, attempts: 1 })
    expect(events.filter(({ type }) => type === 'recover')).not.toHaveLength(0)
  })

  test("stops the application where the policy is 'fail', with what was before it committed, and names the topic", async () => {
    const { error, out, dead, committed } = await run(guarantee, {
      count: 60,
      refuses: (topic, value) => topic === 'out' && value === 33,
      failure: {},
    })
    expect(error).toMatchObject({ code: 'OUTPUT_REFUSED', topic: 'out' })
    expect(told(out).slice(0, committed)).toEqual(upTo(committed ?? 0))
    expect(dead).toEqual([])
    expect(committed).toBeLessThanOrEqual(33)
    expect(committed).toBeGreaterThanOrEqual(20)
  })

  test('as a dead letter stops the application before the commit, and names the topic of dead letters', async () => {
    const { error, dead, committed } = await run(guarantee, {
      count: 30,
      refuses: (_, value) => value === 3,
      failure: { produce: 'dead-letter' },
    })
    expect(error).toMatchObject({ code: 'OUTPUT_REFUSED', topic: 'dead' })
    expect(dead).toEqual([])
    expect(committed ?? 0).toBeLessThanOrEqual(3)
  })

  test('as the dead letter of a record that can not be decoded, it stops the application in the same way', async () => {
    const { error, dead, committed, events } = await run(guarantee, {
      count: 30,
      refuses: (topic) => topic === 'dead',
      failure: { decode: 'dead-letter' },
      undecodable: 17,
    })
    expect(error).toMatchObject({ code: 'OUTPUT_REFUSED', topic: 'dead' })
    expect(dead).toEqual([])
    expect(committed ?? 0).toBeLessThanOrEqual(17)
    expect(events.filter(({ type }) => type === 'recover')).toHaveLength(1)
  })
})
