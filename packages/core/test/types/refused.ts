/* oxlint-disable typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return -- what does not compile has no types */
import { BatchCountAggregator, output, type ProcessorContext, type RecordBatch, serdes, type StreamRecord } from '@millrace/core'
import { counts, Lengths, lines, NarrowKeys, names, NumberBatches, Parser, remoteCounts, texts } from './processors.ts'

// Each of these must not compile, and the compiler must say what the comment above it says: see compile-errors.test.ts.

// @ts-expect-error This processor reads keys of another type than the stream carries.
lines.process('narrower than the stream', { create: () => new BatchCountAggregator(counts), stores: [counts] })

// @ts-expect-error This processor reads keys of another type than the stream carries.
texts.process('narrower keys', { create: () => new NarrowKeys() })

// @ts-expect-error This processor reads values of another type than the stream carries.
texts.process('other values', { create: () => new NumberBatches() })

// @ts-expect-error This processor reads keys of another type than the stream carries.
texts.process('function', (record: StreamRecord<number, string>, context: ProcessorContext<number, string>) => context.forward(record))

// @ts-expect-error This processor reads values of another type than the stream carries.
texts.processBatch('batches', (_batch: RecordBatch<string, number>, _context: ProcessorContext<string, number>) => undefined)

// @ts-expect-error This is no processor: it has neither process nor processBatch.
texts.process('misspelt', { create: () => ({ proces() {} }) })

// @ts-expect-error This is no processor: it has neither process nor processBatch.
texts.process('class', { create: () => NumberBatches })

// @ts-expect-error Give a function or a factory: { create: () => new MyProcessor() }.
texts.process('instance', new NumberBatches())

// @ts-expect-error This processor forwards to named outputs that are not declared with it.
texts.process('undeclared output', { create: () => new Parser() })

// @ts-expect-error This processor forwards to named outputs that are not declared with it.
texts.process('other output', { create: () => new Parser(), outputs: { invalid: output<string, number>() } })

// @ts-expect-error The key serde takes another type than the stream carries.
lines.sink('null keys', { topic: 'lines', key: serdes.string, value: serdes.string })

// @ts-expect-error The value serde takes another type than the stream carries.
texts.sink('other values', { topic: 'texts', key: serdes.string, value: serdes.int32 })

// @ts-expect-error The key serde takes another type than the stream carries.
lines.repartition('null keys', { key: serdes.string, value: serdes.string })

// @ts-expect-error The value serde takes another type than the stream carries.
texts.repartition('other values', { key: serdes.string, value: serdes.json<Date>() })

// @ts-expect-error This store holds values of another type than counts, which are numbers.
void new BatchCountAggregator(names)

// @ts-expect-error Argument of type 'number | undefined' is not assignable to parameter of type 'string | undefined'.
texts.process('typed by the store', (record, context) => names.value.serialize(textOf(context.store(counts).get(record.key))))

// @ts-expect-error Type 'string' is not assignable to type 'number'.
texts.process('update to another type', (record, context) => void context.store(counts).updateBatch([record.key], () => 'one'))

// @ts-expect-error Type 'string' is not assignable to type 'number'.
texts.process('columns of another type', (record, context) => context.store(counts).setBatch({ keys: [record.key], values: ['one'] }))

// @ts-expect-error Property 'get' does not exist on type 'BatchKeyValueStore<string, number>'.
texts.process('remote store', (record, context) => void context.store(remoteCounts).get(record.key), { stores: [remoteCounts] })

// @ts-expect-error Type 'number' is not assignable to type 'string'.
texts.process('other output type', (record, context) => context.forward({ ...record, value: record.value.length }))

// @ts-expect-error Property 'late' does not exist on type
texts.process('no such output', (record, context) => context.to.late.forward(record), { outputs: { invalid: output<string, string>() } })

// @ts-expect-error Property 'small' does not exist on type
texts.branch('sizes', { big: (record) => record.value.length > 9 }).small.peek('small', () => undefined)

// @ts-expect-error There is no such ordering: use 'partition', 'key' or 'unordered'.
texts.process('ordering of a factory', { create: () => new Lengths(), ordering: 'keys' })

// @ts-expect-error Type '"keys"' is not assignable to type 'Ordering | undefined'.
texts.processBatch('ordering of a function', () => undefined, { ordering: 'keys' })

function textOf(text: string | undefined): string {
  return text ?? ''
}
