import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RecordWriter, silentLogger, type TransportAdmin } from '@millrace/core'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import type { RunSize } from '../run-size.ts'
import { CountByHand } from './count-by-hand.ts'
import { batchesOf, runApp } from './running-app.ts'
import { type Counting, countTopology } from './topologies.ts'
import {
  CHANGELOG,
  makeSurroundings,
  makeWorkload,
  openBackend,
  OUTPUT,
  recordsIn,
  type StoreKind,
  type Surroundings,
  type Workload,
} from './workload.ts'

const BATCH_SIZES = [10_000, 1_000, 100, 1]
const KEYS = 10_000
const TAKES: Readonly<Record<Counting, string>> = {
  batch: 'batches',
  records: 'batches, and looks at each record, key and value decoded',
  single: 'single records',
}
/** How often is looked whether all output is there; a run takes a hundred times as long. */
const LOOK_MS = 1

/** The count topology on the embedded log, beside a hand-written loop. */
export function countComparisons({ short, folder }: RunSize): Comparison[] {
  // Ten records a key: with fewer, most of what is measured is keys that are met for the first time.
  const workload = makeWorkload(short ? 100_000 : 200_000, KEYS)
  return (['leveldb', 'memory'] as const).map((kind) => ({
    name: `count, ${kind} store`,
    baseline: byHand(kind, workload, folder),
    others: BATCH_SIZES.flatMap((size) =>
      (['batch', 'single'] as const).map((processor) => byTopology({ kind, processor, size, workload, folder })),
    ),
  }))
}

/** What is left when reading and writing cost next to nothing: the engine, with strings decoded and typed records handed to the user. */
export function engineAlone({ short, folder }: RunSize): Comparison {
  const workload = makeWorkload(short ? 100_000 : 500_000, KEYS)
  return {
    name: 'the engine alone',
    baseline: byHand('leveldb', workload, folder),
    others: [byTopology({ kind: 'leveldb', processor: 'records', size: 10_000, workload, folder })],
  }
}

function byHand(kind: StoreKind, workload: Workload, folder: string): Contender {
  return {
    name: 'by hand',
    says:
      'A loop over the same log and store: polls of 10,000 records, counts in a Map, one output a record, a changelog record a key and commit, ' +
      'offsets after both. At least once. Without restore, rebalances, decoding of values, a bound on memory.',
    records: workload.records,
    afresh: true,
    async open() {
      const own = await mkdtemp(join(folder, 'by-hand-'))
      const surroundings = await makeSurroundings()
      const count = await CountByHand.open(surroundings, await openBackend(kind, own))
      const input = await openInput(surroundings, workload)
      return {
        begin: () => input.write(),
        work: () => count.run(workload.records),
        check: () => checkTopics(surroundings.admin, workload),
        async close() {
          await count[Symbol.asyncDispose]()
          await rm(own, { recursive: true, force: true })
        },
      }
    },
  }
}

interface TopologyContender {
  readonly kind: StoreKind
  readonly processor: Counting
  readonly size: number
  readonly workload: Workload
  readonly folder: string
}

function byTopology({ kind, processor, size, workload, folder }: TopologyContender): Contender {
  return {
    name: `${processor === 'records' ? 'typed records' : `${processor} processor`}, batches of ${size}`,
    says: `The same as a topology, with a processor that takes ${TAKES[processor]}: all that the engine does and guarantees.`,
    records: workload.records,
    afresh: true,
    async open() {
      const surroundings = await makeSurroundings()
      const running = await runApp(folder, surroundings, countTopology(kind, processor), batchesOf(size))
      const input = await openInput(surroundings, workload)
      return {
        begin: () => input.write(),
        async work() {
          while ((await recordsIn(surroundings.admin, OUTPUT)) < workload.records) await sleep(LOOK_MS)
          await running.app.commit()
        },
        check: () => checkTopics(surroundings.admin, workload),
        close: async () => running[Symbol.asyncDispose](),
      }
    },
  }
}

/** What writes the input: at once, before it returns. */
export async function openInput({ transport }: Surroundings, { input }: Workload): Promise<{ write(): void }> {
  const writer: RecordWriter = await transport.openWriter({ clientId: 'input' }, { logger: silentLogger })
  return {
    write() {
      // The embedded log takes a batch before it returns the promise; those who wait for it are told in a later turn.
      void writer.writeBatch(input)
    },
  }
}

async function checkTopics(admin: TransportAdmin, { records }: Workload): Promise<void> {
  const written = await recordsIn(admin, OUTPUT)
  if (written !== records) throw new Error(`There are ${written} records in the output instead of ${records}.`)
  const changes = await recordsIn(admin, CHANGELOG)
  if (changes < Math.min(KEYS, records)) throw new Error(`There are ${changes} records in the changelog: fewer than keys.`)
}
