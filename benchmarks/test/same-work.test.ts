import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RecordSource, serdes, silentLogger, deserializeColumn } from '@millrace/core'
import { expect, test } from 'vitest'
import { openInput } from '../src/micro/topology/count-comparisons.ts'
import { CountByHand } from '../src/micro/topology/count-by-hand.ts'
import { batchesOf, runApp } from '../src/micro/topology/running-app.ts'
import { type Counting, countTopology } from '../src/micro/topology/topologies.ts'
import { CHANGELOG, makeSurroundings, makeWorkload, openBackend, OUTPUT, type Surroundings } from '../src/micro/topology/workload.ts'

const RECORDS = 60_000
const KEYS = 700
const workload = makeWorkload(RECORDS, KEYS)

for (const kind of ['leveldb', 'memory'] as const) {
  test(`the loop and the topology write the same output and changes, with a ${kind} store`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-same-work-'))
    try {
      const loop = await countByHand(kind, folder)
      expect(loop.output).toHaveLength(RECORDS)
      expect(loop.output.at(-1)).toEqual([expect.any(String), Math.ceil(RECORDS / KEYS)])
      for (const processor of ['batch', 'records', 'single'] as const) {
        const topology = await countByTopology(kind, processor, folder)
        expect(topology.output).toEqual(loop.output)
        expect(topology.changes).toEqual(loop.changes)
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
}

async function countByHand(kind: 'leveldb' | 'memory', folder: string) {
  const surroundings = await makeSurroundings()
  const count = await CountByHand.open(surroundings, await openBackend(kind, join(folder, 'by-hand')))
  await openInput(surroundings, workload).then((input) => input.write())
  await count.run(RECORDS)
  await count[Symbol.asyncDispose]()
  return written(surroundings)
}

async function countByTopology(kind: 'leveldb' | 'memory', processor: Counting, folder: string) {
  const surroundings = await makeSurroundings()
  const running = await runApp(folder, surroundings, countTopology(kind, processor), batchesOf(1_000))
  await openInput(surroundings, workload).then((input) => input.write())
  await running.app.caughtUp()
  await running[Symbol.asyncDispose]()
  return written(surroundings)
}

/** All output, and the last change of each key. */
async function written({ transport, admin }: Surroundings) {
  await using source = await transport.openSource({ clientId: 'test', isolation: 'read-uncommitted' }, { logger: silentLogger })
  await admin.close()
  const output = await read(source, OUTPUT)
  return { output, changes: new Map(await read(source, CHANGELOG)) }
}

async function read(source: RecordSource, topic: string): Promise<(readonly [string, number])[]> {
  await source.assign([{ topic, partition: 0, offset: 0 }])
  const records: (readonly [string, number])[] = []
  for (;;) {
    const { batches, ends } = await source.poll(10_000)
    for (const { keys, values } of batches) {
      const counts = deserializeColumn(serdes.safeInt64, values).values
      deserializeColumn(serdes.string, keys).values.forEach((key, i) => records.push([key, counts[i] as number]))
    }
    if (ends.length > 0) return records
  }
}
