import { deserializeColumn, silentLogger } from '@millrace/core'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import type { RunSize } from '../run-size.ts'
import { openInput } from './count-comparisons.ts'
import { type Measuring, nothingRun } from './nothing-run.ts'
import { batchesOf } from './running-app.ts'
import { INPUT, inputSerdes, makeSurroundings, makeWorkload, type Workload } from './workload.ts'

const POLL_RECORDS = 10_000
const POLL_MS = 1_000
const KEYS = 10_000

/** What the engine itself takes: a topology whose processor does nothing, beside loops that do less and less. */
export function nothingComparisons({ short, folder }: RunSize): Comparison[] {
  const workload = makeWorkload(short ? 200_000 : 500_000, KEYS)
  return [
    {
      name: 'a pass that does nothing',
      baseline: loop(
        'poll and decode',
        'A loop that polls 10,000 records at a time and decodes their keys and values, all text.',
        workload,
        true,
      ),
      others: [
        loop('poll', 'A loop that polls 10,000 records at a time and does nothing with them.', workload, false),
        ...[10_000, 1_000, 100, 1].map((size) => byTopology(size, false, { workload, folder })),
        byTopology(10_000, true, { workload, folder }),
      ],
    },
  ]
}

function loop(name: string, says: string, workload: Workload, decode: boolean): Contender {
  return {
    name,
    says,
    records: workload.records,
    afresh: true,
    async open() {
      const surroundings = await makeSurroundings()
      const source = await surroundings.transport.openSource(
        { clientId: 'loop', isolation: 'read-uncommitted', maxPollRecords: POLL_RECORDS },
        { logger: silentLogger },
      )
      await source.assign([{ topic: INPUT, partition: 0, offset: 0 }])
      const input = await openInput(surroundings, workload)
      return {
        begin: () => input.write(),
        async work() {
          let left = workload.records
          while (left > 0) {
            const { batches } = await source.poll(POLL_MS)
            for (const wire of batches) {
              if (decode) {
                deserializeColumn(inputSerdes.key, wire.keys)
                deserializeColumn(inputSerdes.value, wire.values)
              }
              left -= wire.length
              wire.release()
            }
          }
        },
        close: () => source.close(),
      }
    },
  }
}

function byTopology(size: number, looks: boolean, of: Measuring): Contender {
  return {
    name: `topology${looks ? ' that looks' : ''}, batches of ${size}`,
    says: looks
      ? 'The same with a processor that asks for keys and values, so that they are decoded.'
      : 'A source and a batch processor that does nothing: reading, passes and commits of offsets. Text is decoded only if a processor asks for it.',
    ...nothingRun(batchesOf(size), looks, of),
  }
}
