import {
  BatchCountAggregator,
  type BatchProcessor,
  type KeyValueStoreDefinition,
  type Processor,
  type ProcessorContext,
  type RecordBatch,
  serdes,
  type StreamRecord,
  type Topology,
  TopologyBuilder,
} from 'millrace'
import { inputSerdes } from './word-count-topology.ts'

/** Who wrote a record: an epoch is one task on one member, from its assignment on; of two epochs the later one has the higher number. */
export interface Trace {
  readonly task: string
  readonly epoch: number
  /** Of the record it came from. */
  readonly offset: number
}
export interface TracedCount extends Trace {
  readonly count: number
}

export const repartitionSerdes = { key: serdes.string, value: serdes.json<Trace>() }
export const tracedSerdes = { key: serdes.string, value: serdes.json<TracedCount>() }

/** Microseconds on a clock that all processes of the machine share. */
function beginEpoch(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

class Split implements Processor<string | null, string, string, Trace> {
  #epoch = 0

  readonly init = (): void => {
    this.#epoch = beginEpoch()
  }

  readonly process = (line: StreamRecord<string | null, string>, context: ProcessorContext<string, Trace>): void => {
    const trace = { task: context.taskId, epoch: this.#epoch, offset: line.offset as number }
    for (const word of line.value.split(' ')) if (word !== '') context.forward({ ...line, key: word, value: trace })
  }
}

class TraceCounts implements BatchProcessor<string, number, string, TracedCount> {
  #epoch = 0

  readonly init = (): void => {
    this.#epoch = beginEpoch()
  }

  readonly processBatch = (batch: RecordBatch<string, number>, context: ProcessorContext<string, TracedCount>): void => {
    for (const record of batch) {
      const trace = { task: context.taskId, epoch: this.#epoch, offset: record.offset as number }
      context.forward({ ...record, value: { ...trace, count: record.value } })
    }
  }
}

/** The word count, with everything it writes saying who wrote it. */
export function tracedWordCount(
  counts: KeyValueStoreDefinition<string, number>,
  topics: { readonly input: string; readonly output: string },
): Topology {
  const builder = new TopologyBuilder('word-count')
  builder
    .source('lines', { topics: [topics.input], ...inputSerdes })
    .process('split', { create: () => new Split() })
    .repartition('by-word', repartitionSerdes)
    .process('count', { create: () => new BatchCountAggregator<string, Trace>(counts), stores: [counts] })
    .process('trace', { create: () => new TraceCounts() })
    .sink('totals', { topic: topics.output, ...tracedSerdes })
  return builder.build()
}
