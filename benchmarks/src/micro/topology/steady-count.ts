import { setTimeout as sleep } from 'node:timers/promises'
import type { TelemetryOptions } from '@millrace/telemetry'
import type { Contender } from '../../harness/comparison.ts'
import { openInput } from './count-comparisons.ts'
import { batchesOf, runApp } from './running-app.ts'
import { countTopology } from './topologies.ts'
import { CHANGELOG, INPUT, makeSurroundings, OUTPUT, recordsIn, type Workload } from './workload.ts'

/** How often is looked whether all output is there. */
const LOOK_MS = 1
/** How often metrics are read, of the time that the application works. */
const READ_MS = 1_000

export interface SteadyCount {
  readonly size: number
  readonly workload: Workload
  readonly folder: string
  /** Absent: nobody looks. */
  readonly looks?: { readonly telemetry: TelemetryOptions; readonly export: () => Promise<unknown> }
}

/** What differs between contenders: their names. */
export type Named = Pick<Contender, 'name' | 'says'>

/** The count of an application that stays open: what is written is counted and committed, and dropped from the log. */
export function steadyCount({ name, says }: Named, { size, workload, folder, looks }: SteadyCount): Contender {
  return {
    name,
    says,
    records: workload.records,
    async open() {
      const surroundings = await makeSurroundings()
      const { admin } = surroundings
      const running = await runApp(folder, surroundings, countTopology('memory', 'batch'), {
        ...batchesOf(size),
        ...(looks && { telemetry: looks.telemetry }),
      })
      const input = await openInput(surroundings, workload)
      let written = 0
      let unreadMs = 0
      return {
        begin: () => input.write(),
        async work() {
          const began = performance.now()
          written += workload.records
          while ((await recordsIn(admin, OUTPUT)) < written) await sleep(LOOK_MS)
          await running.app.commit()
          const ends = await admin.endOffsets(
            [INPUT, OUTPUT, CHANGELOG].map((topic) => ({ topic, partition: 0 })),
            'read-uncommitted',
          )
          await admin.deleteRecords(ends)
          unreadMs += performance.now() - began
          if (looks === undefined || unreadMs < READ_MS) return
          unreadMs = 0
          await Promise.all([running.metrics?.(), looks.export()])
        },
        close: async () => running[Symbol.asyncDispose](),
      }
    },
  }
}
