import type { Contender } from '../../harness/comparison.ts'
import { openInput } from './count-comparisons.ts'
import { type AppSettings, runApp } from './running-app.ts'
import { nothingTopology } from './topologies.ts'
import { makeSurroundings, type Workload } from './workload.ts'

/** What is read, and where what is on disk goes. */
export interface Measuring {
  readonly workload: Workload
  readonly folder: string
  /** Throws if so many batches are not what is to be measured. */
  readonly checkBatches?: (batches: number) => void
}

/** A topology whose batch processor does nothing, or only looks at keys and values, taken through a workload and committed. */
export function nothingRun(
  settings: AppSettings,
  looks: boolean,
  { workload, folder, checkBatches }: Measuring,
): Pick<Contender, 'records' | 'afresh' | 'open'> {
  return {
    records: workload.records,
    afresh: true,
    async open() {
      const surroundings = await makeSurroundings()
      let left = workload.records
      let batches = 0
      let done: () => void = () => undefined
      const all = new Promise<void>((resolve) => {
        done = resolve
      })
      const topology = nothingTopology(looks, (records) => {
        batches++
        left -= records
        if (left <= 0) done()
      })
      const running = await runApp(folder, surroundings, topology, settings)
      const input = await openInput(surroundings, workload)
      return {
        begin: () => input.write(),
        async work() {
          await all
          await running.app.idle()
          await running.app.commit()
        },
        check: () => checkBatches?.(batches),
        close: async () => running[Symbol.asyncDispose](),
      }
    },
  }
}
