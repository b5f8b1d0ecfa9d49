import { type BatchOutcome, BatchRecordError, type FailureOptions, type RecordBatch, type Topology, TopologyBuilder } from '@millrace/core'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import type { RunSize } from '../run-size.ts'
import { openInput } from './count-comparisons.ts'
import { batchesOf, runApp } from './running-app.ts'
import { INPUT, inputSerdes, makeSurroundings, makeWorkload } from './workload.ts'

const BATCH = 1_000
const BAD = [1, 10, 100]
const SOME_BAD = [10]

/** How a processor says that records of its batch are bad, by index. */
type Report = (bad: readonly number[]) => void | BatchOutcome

interface Way {
  readonly name: string
  readonly says: string
  readonly acknowledgement: FailureOptions['acknowledgement']
  readonly report: Report
}

const ERROR = new Error('a bad record')

const WAYS: readonly Way[] = [
  {
    name: 'thrown',
    says: 'The processor throws and names nobody, so that the batch is halved until each bad record stands alone.',
    acknowledgement: 'all-or-nothing',
    report() {
      throw ERROR
    },
  },
  {
    name: 'named by index',
    says: 'The processor throws a BatchRecordError for the first bad record, and is given all others again, for each.',
    acknowledgement: 'all-or-nothing',
    report(bad) {
      throw new BatchRecordError(bad[0] as number, ERROR)
    },
  },
  {
    name: 'an outcome',
    says: 'The processor lists the bad records, with best-effort: all others are kept as they are.',
    acknowledgement: 'best-effort',
    report: (bad) => ({ failed: bad.map((index) => ({ index, error: ERROR })) }),
  },
]

/** What it takes to find bad records in batches of 1,000 and to go on without them: no retries, and they are skipped. */
export function narrowingComparisons({ short, folder }: RunSize): Comparison[] {
  const records = (short ? 5 : 20) * BATCH
  return [
    {
      name: 'narrowing batches of 1000',
      baseline: contender(
        { name: 'none bad', says: 'A batch processor that looks at each key: all are good.' },
        { records, bad: 0, folder },
      ),
      others: (short ? SOME_BAD : BAD).flatMap((bad) =>
        WAYS.map((way) => contender({ ...way, name: `${bad} bad, ${way.name}` }, { records, bad, folder })),
      ),
    },
  ]
}

interface Narrowing {
  readonly records: number
  /** Bad records in each batch, spread evenly. */
  readonly bad: number
  readonly folder: string
}

function contender(
  { name, says, acknowledgement, report }: Pick<Way, 'name' | 'says'> & Partial<Way>,
  { records, bad, folder }: Narrowing,
): Contender {
  // Each batch has each key once.
  const workload = makeWorkload(records, BATCH)
  const badKeys = new Set<string>()
  for (let i = 0; i < bad; i++) badKeys.add(`key-${String(Math.floor(((i + 0.5) * BATCH) / bad)).padStart(6, '0')}`)
  return {
    name,
    says,
    records,
    afresh: true,
    async open() {
      const surroundings = await makeSurroundings()
      let skipped = 0
      const failure: FailureOptions = {
        acknowledgement,
        process() {
          skipped++
          return 'skip'
        },
      }
      let sawLast: () => void = () => undefined
      const seen = new Promise<void>((resolve) => {
        sawLast = resolve
      })
      const topology = pickyTopology(badKeys, report, (offset) => {
        if (offset === records - 1) sawLast()
      })
      const { batch } = batchesOf(BATCH)
      const running = await runApp(folder, surroundings, topology, { batch: { ...batch, maxRetries: 0 }, failure })
      const input = await openInput(surroundings, workload)
      return {
        begin: () => input.write(),
        async work() {
          await seen
          await running.app.idle()
          await running.app.commit()
        },
        check() {
          if (skipped !== (bad * records) / BATCH) throw new Error(`'${name}' skipped ${skipped} records.`)
        },
        close: async () => running[Symbol.asyncDispose](),
      }
    },
  }
}

/** `given` is told the last offset of each part. */
function pickyTopology(badKeys: ReadonlySet<string>, report: Report | undefined, given: (lastOffset: number) => void): Topology {
  const builder = new TopologyBuilder('picky')
  builder.source('input', { topics: [INPUT], ...inputSerdes }).processBatch('look', (batch: RecordBatch<string, string>) => {
    given(batch.lastOffset)
    const bad: number[] = []
    for (const [i, key] of batch.keys.entries()) if (badKeys.has(key)) bad.push(i)
    return bad.length > 0 ? report?.(bad) : undefined
  })
  return builder.build()
}
