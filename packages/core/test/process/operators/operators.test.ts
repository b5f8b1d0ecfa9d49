import {
  type BatchProcessor,
  BatchRecordError,
  detectProcessor,
  type OutputRecord,
  type Processor,
  type StreamRecord,
  TopologyBuilder,
  serdes,
} from '@millrace/core'
import type { ColumnBatch, DetectedProcessor, Stream } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyBatch, batchOf } from '../../support/batches.ts'
import { type Forwarded, RecordingContext } from '../../support/recording-context.ts'

type In = Stream<string, number>
type Record = StreamRecord<string, number>

/** What the operator that `add` puts behind a source becomes in a task. */
function operatorOf(add: (input: In) => unknown): DetectedProcessor {
  const builder = new TopologyBuilder('one operator')
  add(builder.source('in', { topics: ['in'], key: serdes.string, value: serdes.int32 }))
  const node = builder.build().nodes.find(({ name }) => name === 'op')
  if (node?.kind !== 'processor') throw new Error('There is no operator.')
  return detectProcessor(node.create(), node.name)
}

function asBatch(operator: DetectedProcessor, batch: ColumnBatch<string, number>, outputs: readonly string[]): readonly Forwarded[] {
  const context = new RecordingContext(batch, { outputs })
  void (operator.processBatch as BatchProcessor<unknown, unknown>['processBatch'])(batch, context)
  return context.forwarded
}

function oneByOne(operator: DetectedProcessor, batch: ColumnBatch<string, number>, outputs: readonly string[]): readonly Forwarded[] {
  const context = new RecordingContext(batch, { outputs })
  for (let i = 0; i < batch.length; i++) {
    context.single = i
    void (operator.process as Processor<unknown, unknown>['process'])(batch.record(i), context)
  }
  return context.forwarded
}

const withHeader = (record: Record): OutputRecord<string, string> => ({
  key: record.key,
  value: `${record.value}`,
  timestamp: record.timestamp + 1,
  headers: record.value > 4 ? [{ key: 'big', value: null }] : undefined,
})

const operators: { readonly [name: string]: (input: In) => unknown } = {
  map: (input) => input.map('op', withHeader),
  mapValues: (input) => input.mapValues('op', (value, record) => `${record.key}${value}`),
  'mapValues of values alone': (input) => input.mapValues('op', (value) => value * 2),
  selectKey: (input) => input.selectKey('op', (record) => record.value),
  flatMap: (input) =>
    input.flatMap('op', function* (record) {
      for (let i = 0; i < record.value % 3; i++) yield { ...withHeader(record), key: `${record.key}${i}` }
    }),
  flatMapValues: (input) => input.flatMapValues('op', (value) => (value % 2 === 0 ? [] : [value, -value])),
  filter: (input) => input.filter('op', (record) => record.value > 4),
  filterNot: (input) => input.filterNot('op', (record) => record.value > 4),
  filterValues: (input) => input.filterValues('op', (value) => value > 4),
  peek: (input) => input.peek('op', () => undefined),
  merge: (input) =>
    input.merge(
      'op',
      input.filter('other', () => true),
    ),
  branch: (input) => input.branch('op', { big: (record) => record.value > 6, even: (record) => record.value % 2 === 0 }),
}
const outputs = ['big', 'even']

describe('stateless operators', () => {
  it.each(Object.entries(operators))('%s makes the same of a batch as of its records one by one', (_, add) => {
    const operator = operatorOf(add)
    expect(operator.kind).toBe('both')
    fc.assert(
      fc.property(anyBatch, (batch) => {
        expect(asBatch(operator, batch, outputs)).toEqual(oneByOne(operator, batch, outputs))
      }),
    )
  })

  const batch = batchOf([
    { key: 'a', value: 7 },
    { key: 'b', value: 2, headers: [{ key: 'h', value: null }] },
    { key: 'c', value: 1 },
  ])
  const keysAndValues = (add: (input: In) => unknown) =>
    asBatch(operatorOf(add), batch, outputs).map(({ output, key, value }) => [output, key, value])

  it.each<[string, unknown[][]]>([
    [
      'map',
      [
        ['', 'a', '7'],
        ['', 'b', '2'],
        ['', 'c', '1'],
      ],
    ],
    [
      'mapValues',
      [
        ['', 'a', 'a7'],
        ['', 'b', 'b2'],
        ['', 'c', 'c1'],
      ],
    ],
    [
      'selectKey',
      [
        ['', 7, 7],
        ['', 2, 2],
        ['', 1, 1],
      ],
    ],
    [
      'flatMap',
      [
        ['', 'a0', '7'],
        ['', 'b0', '2'],
        ['', 'b1', '2'],
        ['', 'c0', '1'],
      ],
    ],
    [
      'flatMapValues',
      [
        ['', 'a', 7],
        ['', 'a', -7],
        ['', 'c', 1],
        ['', 'c', -1],
      ],
    ],
    ['filter', [['', 'a', 7]]],
    ['filterValues', [['', 'a', 7]]],
    [
      'filterNot',
      [
        ['', 'b', 2],
        ['', 'c', 1],
      ],
    ],
    [
      'peek',
      [
        ['', 'a', 7],
        ['', 'b', 2],
        ['', 'c', 1],
      ],
    ],
    [
      'branch',
      [
        ['big', 'a', 7],
        ['even', 'b', 2],
      ],
    ],
  ])('%s does what its name says', (name, expected) => expect(keysAndValues(operators[name] as (input: In) => unknown)).toEqual(expected))

  it.each(['mapValues', 'selectKey', 'flatMapValues', 'filterNot', 'peek', 'branch'])('%s keeps timestamps and headers', (name) => {
    for (const { source, timestamp, headers } of asBatch(operatorOf(operators[name] as (input: In) => unknown), batch, outputs)) {
      expect({ timestamp, headers }).toEqual({ timestamp: batch.timestamp(source), headers: batch.headers(source) })
    }
  })

  const fail = (record: Record): never => {
    if (record.key === 'b') throw new RangeError('b is bad')
    return undefined as never
  }
  it.each<[string, (input: In) => unknown]>([
    ['map', (input) => input.map('op', (record) => ({ ...record, value: fail(record) }))],
    ['mapValues', (input) => input.mapValues('op', (_, record) => fail(record))],
    ['selectKey', (input) => input.selectKey('op', fail)],
    ['flatMap', (input) => input.flatMap('op', (record) => [{ ...record, value: fail(record) }])],
    ['flatMapValues', (input) => input.flatMapValues('op', (_, record) => [fail(record)])],
    ['filter', (input) => input.filter('op', fail)],
    ['peek', (input) => input.peek('op', fail)],
    ['branch', (input) => input.branch('op', { one: fail })],
  ])('%s names the record whose function threw, and forwards nothing', (_, add) => {
    const operator = operatorOf(add)
    const context = new RecordingContext(batch, { outputs: ['one'] })
    let error: unknown
    try {
      void operator.processBatch?.(batch, context)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(BatchRecordError)
    expect(error).toMatchObject({ index: 1, cause: expect.any(RangeError) as unknown })
    expect(context.forwarded).toEqual([])
  })

  it('forward nothing where nothing is left', () => {
    const context = new RecordingContext(batch)
    void operatorOf((input) => input.filter('op', () => false)).processBatch?.(batch, context)
    expect(context.forwarded).toEqual([])
  })
})
