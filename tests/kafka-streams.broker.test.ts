import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { serdes } from '@millrace/core'
import { type App, defineApp, silentLogger, start } from 'millrace'
import { kafka } from 'millrace/kafka'
import { type Counted, type CountingKind, countingKinds, STORE } from './support/counting-kinds.ts'
import { type CountEntry, countWithKafkaStreams, prepareKafkaStreams } from './support/kafka-streams.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const brokers = inject('kafkaBrokers')
const text = { key: serdes.string, value: serdes.string }
/** Not long ago: a changelog of windows deletes what is old. */
const BEGAN = Math.floor(Date.now() / 1_000) * 1_000 - 600_000

// The first time it is fetched.
beforeAll(prepareKafkaStreams, 240_000)

/** Records of many keys, some of which come once, in the order of time; some keys are not ASCII. */
function someRecords(count: number, from: number): Counted[] {
  return Array.from({ length: count }, (_, i) => ({ key: `kéy ${(i * i + 7 * i) % 97}`, timestamp: BEGAN + (from + i) * 100 }))
}

const first = someRecords(600, 0)
const second = someRecords(400, 600)

/** An input topic, and an application that counts it in Java or here, under one id. */
async function setUp({ kind, times, topology, entries }: CountingKind) {
  const id = randomUUID().slice(0, 8)
  const [input, applicationId] = [`counted-${id}`, `counting-${id}`]
  const transport = kafka({ brokers })
  const log = await LogClient.open(transport)
  const folder = await temporaryFolder()
  onTestFinished(async () => {
    await log[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  await log.createTopics({ [input]: 2 })
  return {
    send: (records: readonly Counted[]) =>
      log.write(
        input,
        text,
        records.map(({ key, timestamp }) => ({ key, value: 'x', timestamp })),
      ),
    inJava: (records: number): Promise<CountEntry[]> =>
      countWithKafkaStreams({ brokers, applicationId, input, store: STORE, kind, records, ...(times !== undefined && { times }) }),
    /** What the store holds when everything is counted that is there. */
    here: async (meanwhile?: (app: App) => Promise<void>): Promise<CountEntry[]> => {
      const app = await start(
        defineApp({ topology: topology(input), applicationId, transport, stateDir: folder.path, logger: silentLogger }),
      )
      const running = app.run()
      // What ends the application early rejects what is awaited below as well.
      running.catch(() => undefined)
      // Where all input is counted already, only this tells when the store is restored.
      await app.idle()
      await meanwhile?.(app)
      await app.caughtUp()
      const held = await entries(app)
      await app.close()
      await running
      return held
    },
  }
}

describe.each(countingKinds)('a $kind store', (kind) => {
  const { entries, expected } = kind

  test('that Kafka Streams has written is restored from its changelog, and counted on', { timeout: 180_000 }, async () => {
    const { send, inJava, here } = await setUp(kind)
    await send(first)
    const counted = await inJava(first.length)
    expect(counted).toEqual(expected(first))
    const restored: CountEntry[][] = []
    const after = await here(async (app) => {
      restored.push(await entries(app))
      await send(second)
    })
    expect(restored).toEqual([counted])
    expect(after).toEqual(expected([...first, ...second]))
  })

  test('that we have written is restored by Kafka Streams, which counts on, and so do we', { timeout: 240_000 }, async () => {
    const { send, inJava, here } = await setUp(kind)
    await send(first)
    expect(await here()).toEqual(expected(first))
    expect(await inJava(0)).toEqual(expected(first))
    await send(second)
    const all = expected([...first, ...second])
    expect(await inJava(second.length)).toEqual(all)
    // Our own state is still on disk, and behind.
    expect(await here()).toEqual(all)
  })
})
