import {
  type AppDefinition,
  DEFAULT_FAILURE_OPTIONS,
  type ResolvedDefinition,
  TopologyBuilder,
  type Transport,
  validateDefinition,
} from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { text, wordCount } from '../support/topologies.ts'

const transport = { openSource: () => Promise.reject(new Error('Nobody opens this.')) } as unknown as Transport
const good: AppDefinition = { topology: wordCount(), applicationId: 'word-count', transport }

function resolved(changes: Partial<AppDefinition> = {}): ResolvedDefinition {
  const result = validateDefinition({ ...good, ...changes })
  if (result._tag === 'Left') throw new Error(result.left.join('\n'))
  return result.right
}

function problemsOf(changes: object): readonly string[] {
  const result = validateDefinition({ ...good, ...changes })
  return result._tag === 'Left' ? result.left : []
}

describe('validateDefinition', () => {
  it('fills in every default', () => {
    expect(resolved()).toEqual({
      ...good,
      stateDir: './state',
      state: { cleanupDelayMs: 600_000 },
      processingGuarantee: 'at-least-once',
      transactionTimeoutMs: 10_000,
      repartitionPurgeIntervalMs: 30_000,
      batch: { app: {}, environment: {}, changes: [], memoryBudgetBytes: 67_108_864 },
      failure: DEFAULT_FAILURE_OPTIONS,
      commit: { intervalMs: 1_000, records: Infinity, maxUncommittedBytes: 67_108_864 },
      buffer: { maxRecords: 100_000, maxBytes: 33_554_432, maxOutputBytes: 33_554_432 },
      concurrency: { maxConcurrency: 10, asyncBatch: false, maxInFlightBatches: 3 },
      stateCacheBytes: 16_777_216,
      revokeTimeoutMs: 30_000,
      maxTaskIdleMs: 0,
      handleSignals: false,
      hotStandby: false,
      threads: { count: 1, module: undefined, exportName: 'default', onFailure: 'replace', maxReplacements: 10, maxHeapBytes: undefined },
      logger: undefined,
      observer: undefined,
      clock: undefined,
      replicationFactor: undefined,
    })
  })

  it('keeps what is given, and takes what is undefined as not given', () => {
    const observer = () => undefined
    expect(resolved({ batch: { size: 5 }, commit: { records: 7 }, maxTaskIdleMs: -1, observer, replicationFactor: 3 })).toMatchObject({
      batch: { app: { size: 5 } },
      commit: { records: 7, intervalMs: 1_000 },
      maxTaskIdleMs: -1,
      observer,
      replicationFactor: 3,
    })
    expect(resolved({ batch: { size: undefined, sise: undefined } as object, stateDir: undefined }).batch.app).toEqual({})
  })

  it('gives back a frozen definition', () => {
    const definition = resolved()
    for (const part of [definition, definition.batch, definition.commit, definition.buffer, definition.concurrency])
      expect(Object.isFrozen(part)).toBe(true)
  })

  it.each<[string, object, string]>([
    ['no application id', { applicationId: '' }, 'applicationId is ""; use 1 to 180 letters'],
    ['an application id that can be no folder', { applicationId: 'a/b' }, 'applicationId is "a/b"; use 1 to 180 letters'],
    ['an application id that is a way up', { applicationId: '..' }, 'applicationId is ".."; use 1 to 180 letters'],
    ['a builder in place of a topology', { topology: {} }, 'topology is not what TopologyBuilder.build() returns.'],
    ['no transport', { transport: undefined }, 'transport is no transport; use kafka('],
    [
      'another guarantee',
      { processingGuarantee: 'at-most-once' },
      `processingGuarantee is "at-most-once"; use 'at-least-once' or 'exactly-once'.`,
    ],
    ['a transaction of no time', { transactionTimeoutMs: 10 }, 'transactionTimeoutMs is 10; use a whole number from 1,000 to 120,000.'],
    [
      'commits that come later than a transaction may end',
      { processingGuarantee: 'exactly-once', commit: { intervalMs: 5_001 } },
      'commit.intervalMs is 5001 and transactionTimeoutMs is 10000; a commit ends a transaction, so use an interval of at most half of that time.',
    ],
    ['a batch of none', { batch: { size: 0 } }, 'batch.size is 0; use a whole number from 1 to 1,000,000.'],
    ['a timeout below zero', { batch: { timeoutMs: -1 } }, 'batch.timeoutMs is -1; use a whole number'],
    ['half a byte', { batch: { maxBytes: 0.5 } }, 'batch.maxBytes is 0.5; use a whole number of at least 1.'],
    ['a strategy that is none', { batch: { strategy: 'fast' } }, `batch.strategy is "fast"; use 'immediate', 'size'`],
    ['a preset that is none', { batch: { preset: 'x' } }, `batch.preset is "x"; use 'conservative', 'balanced' or 'aggressive'.`],
    ['waiting that is no boolean', { batch: { waitWhenIdle: 1 } }, 'batch.waitWhenIdle is 1; use true or false.'],
    ['adapting that is no boolean', { batch: { adaptive: 'yes' } }, 'batch.adaptive is "yes"; use true or false.'],
    ['a target of no time', { batch: { targetLatencyMs: 0 } }, 'batch.targetLatencyMs is 0; use a whole number of at least 1.'],
    ['a smallest size of none', { batch: { minSize: 0 } }, 'batch.minSize is 0; use a whole number from 1 to 1,000,000.'],
    ['a largest size that is too large', { batch: { maxSize: 1_000_001 } }, 'batch.maxSize is 1000001; use a whole number from 1 to'],
    ['no memory', { batch: { maxMemoryBytes: 0 } }, 'batch.maxMemoryBytes is 0; use a whole number of at least 1.'],
    ['a budget of nothing', { batch: { memoryBudgetBytes: 0 } }, 'batch.memoryBudgetBytes is 0; use a whole number of at least 1.'],
    ['half a retry', { batch: { maxRetries: 0.5 } }, 'batch.maxRetries is 0.5; use a whole number of at least 0.'],
    [
      'a smallest size above the largest',
      { batch: { minSize: 5, maxSize: 4 } },
      'batch.minSize is 5 and batch.maxSize is 4; use a minSize of at most maxSize.',
    ],
    [
      'a smallest size above the largest by default',
      { batch: { minSize: 20_000 } },
      "The batch policy of 'lines', 'word-count-by-word-repartition': minSize is 20000 and maxSize is 10000",
    ],
    [
      'one batch above the memory of all',
      { batch: { maxMemoryBytes: 2, memoryBudgetBytes: 1 } },
      'use a maxMemoryBytes of at most the budget.',
    ],
    [
      'one batch of a topic above the memory of all',
      { batch: { topics: { lines: { maxMemoryBytes: 70_000_000 } } } },
      "batch.topics['lines'].maxMemoryBytes is 70000000 and batch.memoryBudgetBytes is 67108864; use a maxMemoryBytes of at most the budget.",
    ],
    [
      'records at once but several',
      { batch: { strategy: 'immediate', size: 5 } },
      "batch.size is 5, but batch.strategy is 'immediate', which is a size of 1; leave one of them out.",
    ],
    [
      'an adaptive strategy that does not adapt',
      { batch: { strategy: 'adaptive', adaptive: false } },
      "batch.adaptive is false, but batch.strategy is 'adaptive'; use 'hybrid'",
    ],
    ['a batch of none in a topic', { batch: { topics: { lines: { size: 0 } } } }, "batch.topics['lines'].size is 0; use a whole number"],
    ['a misspelt batch option', { batch: { timeOut: 5 } }, 'batch.timeOut is no option; use timeoutMs.'],
    [
      'a batch option that is none',
      { batch: { linger: 5 } },
      'batch.linger is no option; use preset, strategy, waitWhenIdle, adaptive, size,',
    ],
    [
      'a misspelt option of a topic',
      { batch: { topics: { lines: { maxbyte: 1 } } } },
      "batch.topics['lines'].maxbyte is no option; use maxBytes.",
    ],
    [
      'a budget of a topic',
      { batch: { topics: { lines: { memoryBudgetBytes: 1 } } } },
      "batch.topics['lines'].memoryBudgetBytes is no option;",
    ],
    ['a topic that nobody reads', { batch: { topics: { line: {} } } }, "batch.topics names 'line', which no source reads."],
    ['topics that are no object', { batch: { topics: 5 } }, 'batch.topics is 5; use an object of options by topic.'],
    ['options of a topic that are no object', { batch: { topics: { lines: 5 } } }, "batch.topics['lines'] is 5; use an object."],
    ['options of a topic that are nothing', { batch: { topics: { lines: null } } }, "batch.topics['lines'] is null; use an object."],
    [
      'memory that is no number',
      { batch: { maxMemoryBytes: Number.NaN } },
      'batch.maxMemoryBytes is NaN; use a whole number of at least 1.',
    ],
    ['a commit interval of nothing', { commit: { intervalMs: 0 } }, 'commit.intervalMs is 0; use a whole number'],
    ['a commit of no records', { commit: { records: 0 } }, 'commit.records is 0'],
    ['a text for a number', { commit: { maxUncommittedBytes: '1' } }, 'commit.maxUncommittedBytes is "1"; use a whole number'],
    ['no buffer', { buffer: { maxRecords: 0 } }, 'buffer.maxRecords is 0'],
    ['a buffer that is no number', { buffer: { maxBytes: Number.NaN } }, 'buffer.maxBytes is NaN'],
    ['no room for output', { buffer: { maxOutputBytes: 0 } }, 'buffer.maxOutputBytes is 0'],
    ['no concurrency', { concurrency: { maxConcurrency: 0 } }, 'concurrency.maxConcurrency is 0; use a whole number from 1 to 10,000.'],
    ['too much of it', { concurrency: { maxConcurrency: 10_001 } }, 'concurrency.maxConcurrency is 10001; use a whole number from 1'],
    [
      'no batch in flight',
      { concurrency: { maxInFlightBatches: 0 } },
      'concurrency.maxInFlightBatches is 0; use a whole number from 1 to 1,000.',
    ],
    ['asyncBatch that is no boolean', { concurrency: { asyncBatch: 10 } }, 'concurrency.asyncBatch is 10; use true or false.'],
    ['concurrency that is a number', { concurrency: 10 }, 'concurrency is 10; use an object.'],
    ['a cache below zero', { stateCacheBytes: -1 }, 'stateCacheBytes is -1'],
    ['a revoke that waits too long', { revokeTimeoutMs: 150_001 }, 'revokeTimeoutMs is 150001; use a whole number from 1 to 150,000.'],
    ['a revoke that does not wait', { revokeTimeoutMs: 0 }, 'revokeTimeoutMs is 0'],
    ['an idle time below -1', { maxTaskIdleMs: -2 }, 'maxTaskIdleMs is -2'],
    ['a folder that is cleaned at once', { state: { cleanupDelayMs: 0 } }, 'state.cleanupDelayMs is 0; use a whole number'],
    ['a purge without a rest', { repartitionPurgeIntervalMs: 0 }, 'repartitionPurgeIntervalMs is 0; use a whole number'],
    ['an empty folder', { stateDir: '' }, 'stateDir is ""; name a folder.'],
    ['a hot standby that is no boolean', { hotStandby: 'yes' }, 'hotStandby is "yes"; use true, false or { replicas: 1 }.'],
    ['a hot standby without replicas', { hotStandby: { replicas: 0 } }, 'hotStandby.replicas is 0; use a whole number'],
    ['a hot standby with what it has not', { hotStandby: { replica: 1 } }, 'hotStandby.replica is no option'],
    ['signals that are no boolean', { handleSignals: 'yes' }, 'handleSignals is "yes"; use true or false.'],
    ['no replicas', { replicationFactor: 0 }, 'replicationFactor is 0; use a whole number from 1 to 32,767.'],
    ['an observer that is no function', { observer: {} }, 'observer is no function; use one that takes an event.'],
    ['another acknowledgement', { failure: { acknowledgement: 'some' } }, 'failure.acknowledgement is "some"; use \'all-or-nothing\''],
    ['a misspelt option', { applicationID: 'x' }, 'applicationID is no option; use applicationId.'],
    ['an option that is none', { retries: 3 }, 'retries is no option; use topology, applicationId, transport, stateDir, state,'],
    ['a misspelt option of commits', { commit: { interval: 5 } }, 'commit.interval is no option; use intervalMs.'],
    ['a misspelt option of buffers', { buffer: { maxRecord: 5 } }, 'buffer.maxRecord is no option; use maxRecords.'],
    ['a misspelt option of concurrency', { concurrency: { asyncBatches: true } }, 'concurrency.asyncBatches is no option; use asyncBatch.'],
    ['a misspelt option of state', { state: { cleanupDelay: 5 } }, 'state.cleanupDelay is no option; use cleanupDelayMs.'],
    ['a misspelt option of failures', { failure: { proces: 'skip' } }, 'failure.proces is no option; use process.'],
    ['a list in place of a group', { buffer: [] }, 'buffer is an array; use an object.'],
    ['an option group that is none', { batch: 5 }, 'batch is 5; use an object.'],
  ])('refuses %s, with the value and what is allowed', (_, changes, sentence) => {
    const problems = problemsOf(changes)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(sentence)
  })

  it('refuses batches of a source, and of its topics, that take more memory than all that waits', () => {
    const builder = new TopologyBuilder('large')
    builder
      .source('in', { topics: ['a', 'b'], ...text, batch: { maxMemoryBytes: 3_000, topics: { b: { maxMemoryBytes: 2_001 } } } })
      .peek('nothing', () => undefined)
    const topology = builder.build()
    expect(problemsOf({ topology })).toEqual([])
    expect(problemsOf({ topology, batch: { memoryBudgetBytes: 2_000 } })).toEqual([
      "Source 'in': batch.maxMemoryBytes is 3000 and batch.memoryBudgetBytes is 2000; use a maxMemoryBytes of at most the budget.",
      "Source 'in': batch.topics['b'].maxMemoryBytes is 2001 and batch.memoryBudgetBytes is 2000; use a maxMemoryBytes of at most the budget.",
    ])
  })

  it('takes a small budget without a word of one batch: it is cut when the budget is spent', () => {
    expect(problemsOf({ batch: { memoryBudgetBytes: 1_000 } })).toEqual([])
  })

  it('refuses unordered output with exactly once, and says why', () => {
    const builder = new TopologyBuilder('unordered')
    builder.source('in', { topics: ['in'], ...text }).process('look-up', () => undefined, { ordering: 'unordered' })
    expect(problemsOf({ topology: builder.build() })).toEqual([])
    expect(problemsOf({ topology: builder.build(), processingGuarantee: 'exactly-once' })).toContain(
      "Node 'look-up' has ordering 'unordered', which processingGuarantee 'exactly-once' excludes: what is processed again after a failure would " +
        "come in another order; use 'key', or 'partition' with asyncBatch.",
    )
  })

  it('commits more often exactly once, unless told otherwise', () => {
    const intervalOf = (changes: object) => {
      const result = validateDefinition({ ...good, ...changes })
      return result._tag === 'Right' ? result.right.commit.intervalMs : result.left
    }
    expect(intervalOf({})).toBe(1_000)
    expect(intervalOf({ processingGuarantee: 'exactly-once' })).toBe(100)
    expect(intervalOf({ processingGuarantee: 'exactly-once', commit: { intervalMs: 7 } })).toBe(7)
    expect(intervalOf({ commit: { intervalMs: 60_000 } })).toBe(60_000)
  })

  it('takes a number of threads, or says how they are', () => {
    const module = 'file:///app.js'
    expect(resolved({ threads: 1 }).threads.count).toBe(1)
    expect(
      resolved({
        threads: { count: 4, module: new URL(module), export: 'app', onFailure: 'stop', maxReplacements: 0, maxHeapBytes: 2 ** 30 },
      }).threads,
    ).toEqual({ count: 4, module, exportName: 'app', onFailure: 'stop', maxReplacements: 0, maxHeapBytes: 2 ** 30 })
    expect(problemsOf({ threads: 0 })).toEqual(['threads is 0; use a whole number from 1 to 256.'])
    expect(problemsOf({ threads: 'many' })).toEqual(['threads is "many"; use a number, or { count, module }.'])
    expect(problemsOf({ threads: { count: 2, module: '', onFailure: 'retry', maxHeapBytes: 5, moduel: 1 } })).toEqual([
      'threads.moduel is no option; use module.',
      'threads.module is ""; use import.meta.url in the module that exports the definition.',
      "threads.onFailure is \"retry\"; use 'replace' or 'stop'.",
      'threads.maxHeapBytes is 5; use a whole number of at least 16,777,216.',
    ])
  })

  it('refuses threads where they can not be, and says what to do instead', () => {
    const threads = { count: 2, module: 'file:///app.js' }
    expect(problemsOf({ threads: 2 })).toEqual([
      'threads.module is missing: each of 2 threads loads the definition for itself, so name the module that exports it: threads: { count: 2, module: import.meta.url }.',
    ])
    expect(problemsOf({ threads, hotStandby: true })).toEqual([
      expect.stringContaining("hotStandby can't be used with threads (2)") as string,
    ])
    const onlyHere = { ...transport, mainThreadOnly: 'it can not: use another.' }
    expect(problemsOf({ threads, transport: onlyHere })).toEqual(['threads is 2, and it can not: use another.'])
    expect(problemsOf({ threads: 1, hotStandby: true, transport: onlyHere })).toEqual([])
  })

  it('lists all problems together', () => {
    expect(problemsOf({ applicationId: 5, batch: { size: 0, maxBytes: 0 }, commit: { intervalMs: -1 }, transport: null })).toHaveLength(5)
  })

  it('lists what is wrong with the environment with it, and says what it is called there', () => {
    const result = validateDefinition(
      { ...good, batch: { size: 0, maxBytes: 0, minSize: 0 }, stateCacheBytes: -1 },
      { MILLRACE_BATCH_SIZE: 'many', MILLRACE_MAX_RETRIES: '-3' },
    )
    expect(result).toMatchObject({ _tag: 'Left' })
    const sentences = result._tag === 'Left' ? result.left : []
    const names = ['batch.size', 'batch.maxBytes', 'batch.minSize', 'MILLRACE_BATCH_SIZE', 'MILLRACE_MAX_RETRIES', 'stateCacheBytes']
    expect(sentences.map((sentence) => sentence.split(' ')[0])).toEqual(names)
  })

  it('takes batch options from the environment, too', () => {
    const result = validateDefinition({ ...good, batch: { size: 5 } }, { MILLRACE_BATCH_SIZE: '1' })
    expect(result).toMatchObject({ right: { batch: { app: { size: 5 }, environment: { size: 1 } } } })
  })

  it('refuses what is no definition at all', () => {
    expect(validateDefinition(undefined as never)).toMatchObject({ _tag: 'Left' })
  })
})
