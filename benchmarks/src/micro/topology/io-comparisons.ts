import { setTimeout as sleep } from 'node:timers/promises'
import { type ProcessorConcurrency, type Topology, TopologyBuilder } from '@millrace/core'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import type { RunSize } from '../run-size.ts'
import { openInput } from './count-comparisons.ts'
import { batchesOf, runApp } from './running-app.ts'
import { INPUT, inputSerdes, makeSurroundings, makeWorkload, OUTPUT, recordsIn } from './workload.ts'

const BATCH_SIZES = [1, 10, 100, 1_000]
const CONCURRENCY = [1, 10, 20]
/** What a call to another system takes. */
const CALL_MS = 1
const LEAST_RECORDS = 200
const KEYS = 100

/** A processor that waits for another system with each record: one record after another, and several at once. */
export function ioComparisons({ short, folder }: RunSize): Comparison[] {
  const sizes = short ? BATCH_SIZES.filter((size) => size <= LEAST_RECORDS) : BATCH_SIZES
  return sizes.map((size) => ({
    name: `I/O-bound, batches of ${size}`,
    baseline: contender(
      'one after another',
      `A processor of single records that waits ${CALL_MS} ms for each, then forwards it: asyncBatch is off.`,
      { size, folder, concurrency: {} },
    ),
    others: CONCURRENCY.map((maxConcurrency) =>
      contender(
        `asyncBatch, ${maxConcurrency} at once`,
        `The same with asyncBatch, up to ${maxConcurrency} records of a batch at once; output in the same order.`,
        { size, folder, concurrency: { asyncBatch: true, maxConcurrency } },
      ),
    ),
  }))
}

interface IoContender {
  readonly size: number
  readonly folder: string
  readonly concurrency: ProcessorConcurrency
}

function contender(name: string, says: string, { size, folder, concurrency }: IoContender): Contender {
  const records = Math.max(LEAST_RECORDS, size)
  return {
    name,
    says,
    records,
    afresh: true,
    async open() {
      const surroundings = await makeSurroundings()
      const running = await runApp(folder, surroundings, waitingTopology(concurrency), batchesOf(size))
      const input = await openInput(surroundings, makeWorkload(records, KEYS))
      return {
        begin: () => input.write(),
        async work() {
          while ((await recordsIn(surroundings.admin, OUTPUT)) < records) await sleep(CALL_MS)
          await running.app.commit()
        },
        close: async () => running[Symbol.asyncDispose](),
      }
    },
  }
}

function waitingTopology(concurrency: ProcessorConcurrency): Topology {
  const builder = new TopologyBuilder('waiting')
  builder
    .source('input', { topics: [INPUT], ...inputSerdes })
    .process(
      'call',
      async (record, context) => {
        await sleep(CALL_MS)
        context.forward(record)
      },
      concurrency,
    )
    .sink('output', { topic: OUTPUT, ...inputSerdes })
  return builder.build()
}
