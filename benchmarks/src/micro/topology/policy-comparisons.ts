import { type AppBatchOptions, type FailureOptions, RECORD_MEMORY_BYTES } from '@millrace/core'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import type { RunSize } from '../run-size.ts'
import { type Measuring, nothingRun } from './nothing-run.ts'
import { batchesOf } from './running-app.ts'
import { makeWorkload, RECORD_BYTES } from './workload.ts'

const KEYS = 10_000
const BATCH = 1_000
/** What one record more or less in a batch, and the end of each poll, may change. */
const LEAST_IN_BATCH = BATCH / 2

interface Strategy {
  readonly batch: AppBatchOptions
  readonly says: string
  /** Records in a batch on average. Default: about 1,000. */
  readonly average?: readonly [least: number, most: number]
}

const STRATEGIES: readonly Strategy[] = [
  { batch: { strategy: 'immediate' }, says: 'One record a batch: what single-record processing costs.', average: [1, 1] },
  { batch: { strategy: 'size', size: BATCH }, says: 'Cut at 1,000 records.' },
  { batch: { strategy: 'time', timeoutMs: 0 }, says: 'Cut at a timeout of 0: all that is there.', average: [BATCH, Infinity] },
  { batch: { strategy: 'bytes', maxBytes: BATCH * RECORD_BYTES }, says: 'Cut at the bytes of 1,000 records.' },
  {
    batch: { strategy: 'memory', maxMemoryBytes: BATCH * (RECORD_BYTES + RECORD_MEMORY_BYTES) },
    says: 'Cut at the estimated memory of 1,000 records.',
  },
  {
    batch: { strategy: 'adaptive' },
    says: 'A size that finds itself from 1 to 10,000 for 100 ms a batch: its first batches are small.',
    average: [10, 10_000],
  },
]

/** What each way of cutting costs, and failure handling where nothing fails: a topology that does nothing, in which only these differ. */
export function policyComparisons({ short, folder }: RunSize): Comparison[] {
  const workload = makeWorkload(short ? 50_000 : 200_000, KEYS)
  const single = makeWorkload(short ? 10_000 : 30_000, KEYS)
  return [
    {
      name: 'strategies, a pass that does nothing',
      baseline: byStrategy(
        { batch: { strategy: 'hybrid', size: BATCH }, says: 'Cut at 1,000 records, 1 MiB or 1 s; here always at 1,000 records.' },
        { workload, folder },
      ),
      others: STRATEGIES.map((strategy) => byStrategy(strategy, { workload, folder })),
    },
    ...(short ? [100] : [1, 100]).map((size) => failureHandling(size, { workload: size === 1 ? single : workload, folder })),
  ]
}

function byStrategy({ batch, says, average: [least, most] = [LEAST_IN_BATCH, BATCH] }: Strategy, measuring: Measuring): Contender {
  const { strategy = 'hybrid' } = batch
  const { records } = measuring.workload
  return {
    name: strategy,
    says,
    // What is left over at the end is not to wait for company.
    ...nothingRun({ batch: { waitWhenIdle: false, ...batch } }, false, {
      ...measuring,
      checkBatches(batches) {
        const average = records / batches
        if (average < least || average > most) throw new Error(`'${strategy}' cut batches of ${average} records on average.`)
      },
    }),
  }
}

function failureHandling(size: number, measuring: Measuring): Comparison {
  const contender = (name: string, says: string, failure: FailureOptions): Contender => ({
    name,
    says,
    ...nothingRun({ ...batchesOf(size), failure }, false, measuring),
  })
  return {
    name: `failure handling, nothing fails, batches of ${size}`,
    baseline: contender('all-or-nothing', 'The default: acknowledgement all-or-nothing, no circuit breaker.', {}),
    others: [
      contender('best-effort', 'The same with acknowledgement best-effort.', { acknowledgement: 'best-effort' }),
      contender('last-successful', 'The same with acknowledgement last-successful.', { acknowledgement: 'last-successful' }),
      contender('circuit breaker', 'The default with a circuit breaker, which counts every batch.', { circuitBreaker: {} }),
    ],
  }
}
