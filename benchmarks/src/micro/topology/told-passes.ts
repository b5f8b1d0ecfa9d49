import { ColumnBatch, type Observer, type PassTracer } from '@millrace/core'
import { observed, type TelemetryOptions } from '@millrace/telemetry'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import { countTopology } from './topologies.ts'
import { APPLICATION, INPUT, makeSurroundings } from './workload.ts'

const PASSES = 1_000
const RECORDS = 1_000
const BYTES = 20_000
const AT = { task: '0_0', topic: INPUT, partition: 0 } as const
const CUT = { ...AT, records: RECORDS, bytes: BYTES, trigger: 'records' } as const

/** What telemetry takes of a pass, apart from all else: the events of a pass of the count, and its trace, told to nobody and to everything. */
export function toldPasses(telemetry: TelemetryOptions): Comparison {
  return {
    name: 'telemetry, a pass told',
    baseline: contender('nobody', 'The six events of a pass, made and dropped.', async () => ({ observer: () => undefined })),
    others: [
      contender(
        'everything on',
        'The same, told to metrics with all names, dashboard, health, logs and traces. A record is a pass here.',
        async () => {
          const { transport } = await makeSurroundings()
          return observed({ topology: countTopology('memory', 'batch'), applicationId: APPLICATION, transport }, telemetry).definition
        },
      ),
    ],
  }
}

interface Told {
  readonly observer?: Observer | undefined
  readonly tracer?: PassTracer | undefined
}

interface Asked {
  readonly observer: Observer
  readonly tracer: PassTracer | undefined
}

function contender(name: string, says: string, open: () => Promise<Told>): Contender {
  return {
    name,
    says,
    records: PASSES,
    async open() {
      const { observer = () => undefined, tracer } = await open()
      const batch = batchOf()
      return {
        work() {
          for (let pass = 0; pass < PASSES; pass++) tell(pass, batch, { observer, tracer })
        },
      }
    },
  }
}

function tell(pass: number, batch: ColumnBatch<unknown, unknown>, { observer, tracer }: Asked): void {
  const [firstOffset, lastOffset] = [pass * RECORDS, pass * RECORDS + RECORDS - 1]
  const identity = { stage: 'process', node: 'input', ...CUT, firstOffset, lastOffset, batches: 1 } as const
  observer({ type: 'batch', stage: 'source', node: 'input', ...CUT, durationMs: 0.1 })
  observer({ type: 'cut', stage: 'batch', ...CUT, ageMs: 3 })
  const started = { type: 'pass-started', ...identity } as const
  observer(started)
  const trace = tracer?.passStarted(started, batch)
  observer({ type: 'batch', stage: 'process', node: 'count', ...CUT, durationMs: 0.3 })
  observer({ type: 'batch', stage: 'sink', node: 'output', ...CUT, durationMs: 0.3 })
  const counts = { done: RECORDS, givenUp: 0, retries: 0, durationMs: 1, waitedMs: 0, waitingRecords: 0 }
  const ended = { type: 'pass-ended', ...identity, outcome: 'done', ...counts } as const
  observer(ended)
  trace?.ended?.(ended)
}

function batchOf(): ColumnBatch<unknown, unknown> {
  const offsets = Float64Array.from({ length: RECORDS }, (_, i) => i)
  const columns = { topic: INPUT, partition: 0, trigger: 'records', keys: [], values: [], timestamps: offsets, offsets } as const
  return new ColumnBatch(columns)
}
