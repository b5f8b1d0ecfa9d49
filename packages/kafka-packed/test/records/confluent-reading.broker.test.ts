import { bytesAt } from '@millrace/core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { COMPRESSIONS } from '../../src/compression/codec.ts'
import { loadCodec } from '../../src/compression/codecs.ts'
import { PackedReader } from '../../src/index.ts'
import { Confluent } from '../support/confluent.ts'
import { anyLog } from '../support/records.ts'
import { fetched, KEY, readFetch, WireBroker, type WireRequest } from '../support/wire-broker.ts'

/** Each is a partition. */
const LOGS = 150
const TOPIC = 't'
/** Of what the checksum of a batch is not of: where it is, how long, of which format, and the sum itself. */
const UNCHECKED_BYTES = 21
const SEED = 20_260_701
/** What the other client wants of a broker before it reads: these versions, and groups, which are asked for nothing. */
const WANTED: readonly (readonly [number, number])[] = [
  [KEY.produce, 3],
  [KEY.fetch, 4],
  ...[8, 9, KEY.findCoordinator, 11, 12, 13, 14].map((key) => [key, 0] as const),
]

interface Log {
  readonly bytes: Uint8Array
  readonly end: number
}

type Place = readonly [partition: number, offset: number, key: string | null, value: string | null, timestamp: number]

beforeAll(async () => {
  await Promise.all(COMPRESSIONS.map(loadCodec))
})

/** A broker that has these logs, and gives each once: who asks again is at its end, and has what it was given. `ended`: of which it was asked again. */
async function brokerOf(logs: readonly Log[]): Promise<{ readonly broker: WireBroker; readonly ended: ReadonlySet<number> }> {
  const broker = await WireBroker.open({ name: TOPIC, partitions: logs.map(() => ({ leader: 1, epoch: 0 })) })
  for (const [key, min] of WANTED) broker.versions.set(key, [min, broker.versions.get(key)?.[1] ?? 2])
  broker.answers.set(KEY.findCoordinator, () => 'silence')
  const given = new Set<number>()
  const ended = new Set<number>()
  broker.answers.set(KEY.fetch, ({ body }: WireRequest) =>
    fetched(
      readFetch(body).map(({ topic, partition, offset }) => {
        const log = given.has(partition) ? undefined : logs[partition]
        if (given.has(partition)) ended.add(partition)
        given.add(partition)
        return { topic, partition, end: log?.end ?? offset, records: log?.bytes ?? new Uint8Array(0) }
      }),
    ),
  )
  return { broker, ended }
}

/** What each client reads of the same bytes, by partition. */
async function readBoth(logs: readonly Log[]): Promise<{ readonly ours: Place[][]; readonly theirs: Place[][] }> {
  await using broker = (await brokerOf(logs)).broker
  const ours = await readOurs(broker, logs.length)
  const { broker: opened, ended } = await brokerOf(logs)
  await using other = opened
  const confluent = new Confluent(`127.0.0.1:${other.port}`)
  const read = await confluent.readUntil(TOPIC, logs.length, (_count, atOnce) => ended.size === logs.length && atOnce === 0)
  const theirs = logs.map((): Place[] => [])
  for (const { partition, offset, key, value, timestamp } of read)
    theirs[partition]?.push([partition, offset, textOf(key), textOf(value), timestamp])
  return { ours, theirs }
}

async function readOurs(broker: WireBroker, partitions: number): Promise<Place[][]> {
  const read = Array.from({ length: partitions }, (): Place[] => [])
  await using reader = await PackedReader.open({ brokers: broker.brokers, checkCrcs: true })
  reader.assign(read.map((_, partition) => ({ topic: TOPIC, partition, offset: 0 })))
  for (const over = new Set<number>(); over.size < partitions;) {
    const { batches, ends, failures } = await reader.poll(1_000, 20_000)
    for (const { partition, length, offsets, keys, values, timestamps } of batches) {
      for (let i = 0; i < length; i++) {
        const [key, value] = [textOf(bytesAt(keys, i)), textOf(bytesAt(values, i))]
        read[partition]?.push([partition, offsets[i] as number, key, value, timestamps[i] as number])
      }
    }
    for (const { partition } of [...ends, ...failures]) over.add(partition)
  }
  return read
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('hex')
}

describe('what is read', () => {
  it('is what the confluent client reads, of any batches, of those that are cut off, and, up to what is damaged, of others', async () => {
    const damage = fc.tuple(fc.constantFrom('none', 'cut', 'damaged'), fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }))
    const cases = fc.sample(fc.tuple(anyLog, damage), { numRuns: LOGS, seed: SEED })
    const logs = cases.map(([{ bytes, end, batches }, [kind, which, where, flip]]): Log => {
      if (kind === 'cut') return { bytes: bytes.subarray(0, where % (bytes.length + 1)), end }
      const batch = batches[which % Math.max(1, batches.length)]
      if (kind === 'none' || batch === undefined) return { bytes, end }
      const damaged = Uint8Array.from(bytes)
      const at = batch.start + UNCHECKED_BYTES + (where % (batch.end - batch.start - UNCHECKED_BYTES))
      damaged[at] = (damaged[at] as number) ^ flip
      return { bytes: damaged, end }
    })
    const { ours, theirs } = await readBoth(logs)
    const kinds = cases.map(([, [kind]]) => kind)
    const isWhole = (_: unknown, i: number): boolean => kinds[i] !== 'damaged'
    expect(ours.filter(isWhole)).toEqual(theirs.filter(isWhole))
    // The other client passes over a batch that is damaged, and goes on behind it.
    expect(ours).toEqual(theirs.map((of, i) => (isWhole(of, i) ? of : of.slice(0, ours[i]?.length))))
    expect(ours.flat().length).toBeGreaterThan(LOGS)
  })
})
