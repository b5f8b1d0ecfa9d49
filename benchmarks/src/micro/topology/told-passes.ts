import { ColumnBatch, type Observer, type PassEndedEvent, type PassStartedEvent, type PassTracer, silentLogger } from '@millrace/core'
import { observed, type TelemetryOptions } from '@millrace/telemetry'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import { countTopology } from './topologies.ts'
import { APPLICATION, INPUT, makeSurroundings } from './workload.ts'

const PASSES = 1_000
const RECORDS = 1_000
const BYTES = 20_000
const AT = { task: '0_0', topic: INPUT, partition: 0 } as const

/** What telemetry takes of a pass, apart from all else: the events of a pass of the count, and its trace, told to nobody and to everything. */
export function toldPasses(telemetry: TelemetryOptions): Comparison {
  return {
    name: 'telemetry, a pass told',
    baseline: contender('nobody', 'The six events of a pass, made and dropped.', async () => ({ observer: () => undefined })),
    others: [
      contender(
        'everything on',
        'The same, told to metrics with all names, a meter of OpenTelemetry, dashboard, health, logs and traces. A record is a pass here.',
        () => attached(telemetry),
      ),
    ],
  }
}

/** Telemetry of an application that is not asked anything. */
async function attached(options: TelemetryOptions): Promise<Told> {
  const { transport } = await makeSurroundings()
  const telemetry = observed(
    { topology: countTopology('memory', 'batch'), applicationId: APPLICATION, transport, logger: silentLogger },
    options,
  )
  const unasked = () => {
    throw new Error('Nobody asks.')
  }
  const inspect = { lag: unasked, stores: unasked, group: unasked, locate: unasked }
  await telemetry.attach({ health: unasked, inspect, store: unasked, updateBatching: unasked })
  const { observer, tracer } = telemetry.definition
  return { observer, tracer, close: () => telemetry.close() }
}

interface Told {
  readonly observer?: Observer | undefined
  readonly tracer?: PassTracer | undefined
  readonly close?: () => Promise<void>
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
      const { observer = () => undefined, tracer, close = () => undefined } = await open()
      const batch = batchOf()
      return {
        work() {
          for (let pass = 0; pass < PASSES; pass++) tell(pass, batch, { observer, tracer })
        },
        close,
      }
    },
  }
}

/** As the engine does: each event is made property by property. */
function tell(pass: number, batch: ColumnBatch<unknown, unknown>, { observer, tracer }: Asked): void {
  const { task, topic, partition } = AT
  const [records, bytes, trigger] = [RECORDS, BYTES, 'records'] as const
  const [firstOffset, lastOffset, batches] = [pass * RECORDS, pass * RECORDS + RECORDS - 1, 1]
  const node = 'input'
  const started: PassStartedEvent = {
    type: 'pass-started',
    stage: 'process',
    task,
    node,
    topic,
    partition,
    records,
    firstOffset,
    lastOffset,
    batches,
    trigger,
  }
  observer(started)
  const trace = tracer?.passStarted(started, batch)
  observer({ type: 'batch', stage: 'process', node: 'count', task, topic, partition, records, bytes, trigger, durationMs: 0.3 })
  observer({ type: 'batch', stage: 'sink', node: 'output', task, topic, partition, records, bytes, trigger, durationMs: 0.3 })
  const ended: PassEndedEvent = {
    type: 'pass-ended',
    stage: 'process',
    task,
    node,
    topic,
    partition,
    records,
    firstOffset,
    lastOffset,
    batches,
    trigger,
    outcome: 'done',
    done: RECORDS,
    givenUp: 0,
    retries: 0,
    durationMs: 1,
    waitedMs: 0,
    waitingRecords: 0,
  }
  observer(ended)
  trace?.ended?.(ended)
  observer({ type: 'batch', stage: 'source', node, task, topic, partition, records, bytes, trigger, durationMs: 0.1 })
  observer({ type: 'cut', stage: 'batch', task, topic, partition, records, bytes, trigger, ageMs: 3 })
}

function batchOf(): ColumnBatch<unknown, unknown> {
  const offsets = Float64Array.from({ length: RECORDS }, (_, i) => i)
  const columns = { topic: INPUT, partition: 0, trigger: 'records', keys: [], values: [], timestamps: offsets, offsets } as const
  return new ColumnBatch(columns)
}
