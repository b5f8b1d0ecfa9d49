import {
  type AppBatchOptions,
  batchEnvironment,
  batchPolicyOf,
  type BatchSettings,
  changeBatching,
  changeProblems,
  type SourceBatchOptions,
  type SourceNode,
  type Topology,
  TopologyBuilder,
} from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { text } from '../support/topologies.ts'

function topologyOf(batch?: SourceBatchOptions): Topology {
  const builder = new TopologyBuilder('batched')
  builder
    .source('in', { topics: ['a', 'b'], ...text, batch })
    .repartition('again', text)
    .peek('nothing', () => undefined)
  builder.source('other', { topics: [/^c-/], ...text }).peek('nothing else', () => undefined)
  return builder.build()
}

const sourceOf = ({ nodes }: Topology, name: string) => nodes.find((node) => node.name === name) as SourceNode

function settingsOf(app: AppBatchOptions = {}, environment = {}): BatchSettings {
  return { app, environment, changes: [], memoryBudgetBytes: 1 }
}

describe('the batch policy of a topic', () => {
  it('follows from a change, the environment, the topic, its source, the application and the defaults, in this order', () => {
    const topology = topologyOf({ size: 40, topics: { b: { size: 50 } } })
    const inB = { topic: 'b', source: sourceOf(topology, 'in') }
    const sizes = [
      settingsOf(),
      settingsOf({ preset: 'balanced' }),
      settingsOf({ preset: 'balanced', size: 30 }),
      settingsOf({ topics: { b: { size: 45 } } }),
      settingsOf({}, { size: 60 }),
      changeBatching(settingsOf({}, { size: 60 }), { size: 70 }),
    ]
    const in0 = { topic: 'c-1', source: sourceOf(topology, 'other') }
    const inA = { ...inB, topic: 'a' }
    expect(sizes.map((settings) => batchPolicyOf(settings, in0).size)).toEqual([100, 250, 30, 100, 60, 70])
    expect(sizes.map((settings) => batchPolicyOf(settings, inA).size)).toEqual([40, 40, 40, 40, 60, 70])
    expect(sizes.map((settings) => batchPolicyOf(settings, inB).size)).toEqual([50, 50, 50, 50, 60, 70])
    const named = { topic: 'a', source: sourceOf(topologyOf(), 'in') }
    expect(batchPolicyOf(settingsOf({ size: 5, topics: { a: { size: 6 } } }), named).size).toBe(6)
  })

  it('has a preset where it is named: above all that counts less, the environment and changes above it', () => {
    const sizeOf = (batch: SourceBatchOptions, settings: BatchSettings) =>
      batchPolicyOf(settings, { topic: 'a', source: sourceOf(topologyOf(batch), 'in') }).size
    const app = settingsOf({ size: 30 })
    const environment = settingsOf({ size: 30 }, { size: 60 })
    const conservative = { preset: 'conservative' } as const
    const sizes = [
      sizeOf(conservative, app),
      sizeOf({ size: 40, topics: { a: conservative } }, app),
      sizeOf({ ...conservative, topics: { a: { size: 45 } } }, app),
      sizeOf(conservative, environment),
      sizeOf({}, changeBatching(environment, conservative)),
      sizeOf({}, changeBatching(changeBatching(app, conservative), { size: 70 })),
    ]
    expect(sizes).toEqual([50, 50, 45, 60, 50, 70])
  })

  it('is changed for what the change names; the narrower counts more, whichever came last', () => {
    const topology = topologyOf()
    const source = sourceOf(topology, 'in')
    let settings = changeBatching(settingsOf(), { topic: 'b', size: 1 })
    settings = changeBatching(settings, { source: 'in', size: 2 })
    settings = changeBatching(settings, { size: 3 })
    const size = (topic: string, of = source) => batchPolicyOf(settings, { topic, source: of }).size
    expect([size('b'), size('a'), size('c-1', sourceOf(topology, 'other'))]).toEqual([1, 2, 3])
    settings = changeBatching(settings, { topic: 'b', timeoutMs: 5 })
    expect(batchPolicyOf(settings, { topic: 'b', source })).toMatchObject({ size: 1, timeoutMs: 5 })
    expect(settings.changes).toHaveLength(3)
  })

  it('is free of the limits of an earlier change once a strategy or a preset is named', () => {
    const inA = { topic: 'a', source: sourceOf(topologyOf(), 'in') }
    const before = changeBatching(settingsOf(), { size: 7, adaptive: false, maxRetries: 9 })
    expect(batchPolicyOf(changeBatching(before, { strategy: 'time' }), inA)).toMatchObject({ size: Infinity, maxRetries: 9 })
    expect(batchPolicyOf(changeBatching(before, { strategy: 'adaptive' }), inA)).toMatchObject({ adaptive: true })
    expect(batchPolicyOf(changeBatching(before, { preset: 'aggressive' }), inA)).toMatchObject({ size: 1_000, maxRetries: 5 })
  })
})

describe('a change of batching', () => {
  const app = { topology: topologyOf(), applicationId: 'app' }

  it('is good for sources, repartitions, topics that are named, and those that a pattern would match', () => {
    for (const scope of [{}, { source: 'in' }, { source: 'again' }, { topic: 'a' }, { topic: 'c-9' }, { topic: 'app-again-repartition' }])
      expect(changeProblems(settingsOf(), { ...scope, size: 5 }, app)).toEqual([])
  })

  it('is refused with everything that is wrong with it', () => {
    const change = { size: 0, timeoutMs: 'x', strategy: 'fast', source: 'nobody', memoryBudgetBytes: 5 } as never
    expect(changeProblems(settingsOf(), change, app)).toEqual([
      `strategy is "fast"; use 'immediate', 'size', 'time', 'bytes', 'hybrid', 'memory' or 'adaptive'.`,
      'size is 0; use a whole number from 1 to 1,000,000.',
      'timeoutMs is "x"; use a whole number of at least 0.',
      expect.stringContaining("memoryBudgetBytes can't be changed; use source, topic, preset, strategy"),
      `source is "nobody"; use one of 'in', 'again', 'other'.`,
    ])
    expect(changeProblems(settingsOf(), { source: 'other', topic: 'a', size: 1 }, app)).toEqual([
      `topic is "a"; use one that source 'other' reads.`,
    ])
    expect(changeProblems(settingsOf(), { sise: 5, topics: {} } as never, app)).toEqual([
      'sise is no option; use size.',
      expect.stringContaining("topics can't be changed; use source, topic, preset, strategy"),
    ])
    expect(changeProblems(settingsOf(), null as never, app)).toEqual(['The change is null; use an object of batch options.'])
  })

  it('is refused where one batch could take more memory than all that waits', () => {
    const settings = { ...settingsOf(), memoryBudgetBytes: 1_000 }
    expect(changeProblems(settings, { maxMemoryBytes: 1_000 }, app)).toEqual([])
    expect(changeProblems(settings, { topic: 'a', maxMemoryBytes: 1_001 }, app)).toEqual([
      'maxMemoryBytes is 1001 and batch.memoryBudgetBytes is 1000; use a maxMemoryBytes of at most the budget.',
    ])
  })

  it('is refused where it contradicts what holds already', () => {
    const settings = settingsOf({ topics: { b: { minSize: 50 } } })
    expect(changeProblems(settings, { maxSize: 20 }, app)).toEqual([
      "The batch policy of 'b': minSize is 50 and maxSize is 20; use a minSize of at most maxSize.",
    ])
  })
})

describe('batch options of the environment', () => {
  it('are read from five variables; empty ones and others do not count', () => {
    expect(
      batchEnvironment({
        MILLRACE_BATCH_SIZE: '1',
        MILLRACE_BATCH_TIMEOUT_MS: ' 20 ',
        MILLRACE_MAX_BATCH_BYTES: '300',
        MILLRACE_BATCH_STRATEGY: 'size',
        MILLRACE_MAX_RETRIES: '0',
        MILLRACE_ELSE: '5',
      }),
    ).toEqual({ options: { size: 1, timeoutMs: 20, maxBytes: 300, strategy: 'size', maxRetries: 0 }, problems: [] })
    expect(batchEnvironment({ MILLRACE_BATCH_SIZE: '', MILLRACE_BATCH_STRATEGY: undefined })).toEqual({ options: {}, problems: [] })
  })

  it('are refused by the name of their variable, all at once', () => {
    const { problems } = batchEnvironment({
      MILLRACE_BATCH_SIZE: '1e3',
      MILLRACE_BATCH_TIMEOUT_MS: '-1',
      MILLRACE_MAX_BATCH_BYTES: '0',
      MILLRACE_BATCH_STRATEGY: 'best',
      MILLRACE_MAX_RETRIES: '1.5',
    })
    expect(problems).toEqual([
      `MILLRACE_BATCH_STRATEGY is "best"; use 'immediate', 'size', 'time', 'bytes', 'hybrid', 'memory' or 'adaptive'.`,
      'MILLRACE_BATCH_SIZE is "1e3"; use a whole number from 1 to 1,000,000.',
      'MILLRACE_BATCH_TIMEOUT_MS is "-1"; use a whole number of at least 0.',
      'MILLRACE_MAX_BATCH_BYTES is 0; use a whole number of at least 1.',
      'MILLRACE_MAX_RETRIES is "1.5"; use a whole number of at least 0.',
    ])
  })
})
