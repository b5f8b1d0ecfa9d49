import {
  type AppDefinition,
  BatchCountAggregator,
  defineApp,
  output,
  type ProcessorContext,
  serdes,
  type Stream,
  type StreamRecord,
  TopologyBuilder,
  type Transport,
} from '@millrace/core'
import { counts, Lengths, lines, Parser, type ParserOutputs, remoteCounts, texts, WideReader } from './processors.ts'

// All of this compiles. `carries` checks that a handle has exactly the types it is said to have.

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function carries<K, V, Outputs = Record<never, never>>() {
  return <S>(_stream: S, _exactly: Same<S, Stream<K, V, Outputs>>): void => undefined
}

// The program of the design.
declare const transport: Transport
const builder = new TopologyBuilder('word-count')
builder
  .source('lines', { topics: ['lines'], key: serdes.nullable(serdes.string), value: serdes.string })
  .process<string, string>('split', (line, context) => {
    for (const word of line.value.split(' ')) context.forward({ ...line, key: word })
  })
  .repartition('by-word', { key: serdes.string, value: serdes.string })
  .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
  .sink('totals', { topic: 'word-counts', key: serdes.string, value: serdes.safeInt64 })
export const app: AppDefinition = defineApp({ topology: builder.build(), applicationId: 'word-count', transport, stateDir: './state' })

// Plain functions know what they are given, and forward what is said, or else what they were given.
carries<string, string>()(
  texts.process('1', (record, context) => context.forward({ ...record, value: record.value.trim() })),
  true,
)
carries<string, number>()(
  texts.process<string, number>('2', (r, context) => context.forward({ ...r, value: r.value.length })),
  true,
)
carries<string, string>()(
  texts.processBatch('3', ({ keys, values }, context) => context.forwardBatch({ keys, values })),
  true,
)
carries<string, string>()(
  texts.processBatch('4', async (batch, context) => {
    await Promise.resolve()
    context.forwardBatch({ keys: batch.keys, values: batch.values })
    return { failed: [{ index: 0, error: new Error('first') }] }
  }),
  true,
)

// A function that says its types gives them to the stream.
const told = (record: StreamRecord<string | null, unknown>, context: ProcessorContext<string, number>) =>
  context.forward({ key: record.key ?? '', value: 1, timestamp: record.timestamp })
carries<string, number>()(texts.process('5', told), true)
carries<string, number>()(lines.process('6', { create: () => told }), true)

// Factories: classes, also of wider types, and what is written in place.
carries<string, number>()(texts.process('7', { create: () => new Lengths() }), true)
carries<string, number>()(lines.process('8', { create: () => new WideReader() }), true)
carries<string, number>()(texts.process('9', { create: () => new BatchCountAggregator(remoteCounts), stores: [remoteCounts] }), true)
carries<string, string>()(texts.process('10', { create: () => ({ process: (record, context) => context.forward(record) }) }), true)
carries<string, string>()(texts.process('11', { create: () => (record, context) => context.forward(record) }), true)

// Stores are typed by their definitions.
texts.process(
  '12',
  (record, context) => {
    const before: number | undefined = context.store(counts).get(record.key)
    context.store(counts).set(record.key, (before ?? 0) + 1)
  },
  { stores: [counts] },
)

// Named outputs.
const parsed = texts.process('13', { create: () => new Parser(), outputs: { invalid: output<string, Error>() } })
carries<string, number, { invalid: ParserOutputs['invalid'] }>()(parsed, true)
carries<string, Error>()(parsed.to.invalid, true)
const split = texts.process('14', (record, context) => context.to.late.forward({ ...record, value: 1 }), {
  outputs: { late: output<string, number>() },
})
carries<string, number>()(split.to.late, true)

// The everyday operators.
carries<number, string>()(
  texts.selectKey('15', (record) => record.value.length),
  true,
)
carries<string, number>()(
  texts.map('16', (record) => ({ ...record, value: record.value.length })),
  true,
)
carries<string, number>()(
  texts.mapValues('17', (value) => value.length),
  true,
)
carries<string, number>()(
  texts.flatMap('18', (record) => [{ ...record, value: 1 }]),
  true,
)
carries<string, string>()(
  texts.flatMapValues('19', (value) => value.split(' ')),
  true,
)
carries<string | null, string>()(texts.merge('20', lines), true)
const { big, rest } = texts.branch('21', { big: (record) => record.value.length > 9, rest: () => true })
carries<string, string>()(big, true)
carries<string, string>()(
  rest.filter('22', (record) => record.value !== ''),
  true,
)

// Serdes may take more than the stream carries; what reads behind them gets what they give.
const nullable = { key: serdes.nullable(serdes.string), value: serdes.json<unknown>() }
carries<string | null, unknown>()(texts.repartition('23', nullable), true)
texts.sink('24', {
  topic: (record) => `texts-${record.key}`,
  ...nullable,
  partitioner: (record, partitions) => record.value.length % partitions,
})

// Several records at once.
carries<string, number>()(
  texts.process<string, number>('25', async (r, context) => context.forward({ ...r, value: await length(r.value) }), { ordering: 'key' }),
  true,
)
carries<string, number>()(lines.process('26', { create: () => new WideReader(), ordering: 'key', maxConcurrency: 20 }), true)

async function length(text: string): Promise<number> {
  return Promise.resolve(text.length)
}
