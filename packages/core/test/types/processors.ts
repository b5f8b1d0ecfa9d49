import {
  type BatchProcessor,
  defineKeyValueStore,
  type OutputType,
  type Processor,
  type ProcessorContext,
  type RecordBatch,
  serdes,
  type StreamRecord,
  TopologyBuilder,
} from '@millrace/core'

// What the type tests put together; none of it is ever run.

export const counts = defineKeyValueStore({
  name: 'counts',
  key: serdes.string,
  value: serdes.safeInt64,
  access: 'sync',
  open: () => Promise.reject(new Error('Type tests open nothing.')),
})

export const remoteCounts = defineKeyValueStore({
  name: 'remote-counts',
  key: serdes.string,
  value: serdes.safeInt64,
  access: 'async',
  open: () => Promise.reject(new Error('Type tests open nothing.')),
})

export const names = defineKeyValueStore({
  name: 'names',
  key: serdes.string,
  value: serdes.string,
  access: 'sync',
  open: () => Promise.reject(new Error('Type tests open nothing.')),
})

const builder = new TopologyBuilder('types')
/** Keys and values are strings. */
export const texts = builder.source('texts', { topics: ['texts'], key: serdes.string, value: serdes.string })
/** Keys may be null. */
export const lines = builder.source('lines', { topics: ['lines'], key: serdes.nullable(serdes.string), value: serdes.string })

/** Reads less than strings. */
export class NarrowKeys implements Processor<'a' | 'b', string> {
  process(record: StreamRecord<'a' | 'b', string>, context: ProcessorContext<'a' | 'b', string>): void {
    context.forward(record)
  }
}

/** Reads more than strings. */
export class WideReader implements Processor<string | null, unknown, string, number> {
  process(record: StreamRecord<string | null, unknown>, context: ProcessorContext<string, number>): void {
    context.forward({ key: record.key ?? '', value: 1, timestamp: record.timestamp })
  }
}

export class NumberBatches implements BatchProcessor<string, number> {
  processBatch(batch: RecordBatch<string, number>, context: ProcessorContext<string, number>): void {
    context.forwardBatch({ keys: batch.keys, values: batch.values })
  }
}

/** Knows both ways. */
export class Lengths implements Processor<string, string, string, number>, BatchProcessor<string, string, string, number> {
  process(record: StreamRecord<string, string>, context: ProcessorContext<string, number>): void {
    context.forward({ ...record, value: record.value.length })
  }

  processBatch(batch: RecordBatch<string, string>, context: ProcessorContext<string, number>): void {
    context.forwardBatch({ keys: batch.keys, values: batch.values.map((value) => value.length) })
  }
}

export interface ParserOutputs {
  readonly invalid: OutputType<string, Error>
}

export class Parser implements Processor<string, string, string, number, ParserOutputs> {
  process(record: StreamRecord<string, string>, context: ProcessorContext<string, number, ParserOutputs>): void {
    const value = Number(record.value)
    if (Number.isNaN(value)) context.to.invalid.forward({ ...record, value: new Error('no number') })
    else context.forward({ ...record, value })
  }
}
