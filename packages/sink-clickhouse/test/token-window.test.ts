import { expect, test } from 'vitest'
import { windowProblem } from '../src/token-window.ts'

const settings = (text: string) => `MergeTree ORDER BY id SETTINGS ${text}`
const need = { inserts: 100, replicatedDefault: 1_000 }

test.each([
  ['MergeTree', settings('non_replicated_deduplication_window = 10000, index_granularity = 8192'), 'none'],
  ['ReplacingMergeTree', settings('index_granularity = 8192, non_replicated_deduplication_window = 100'), 'none'],
  ['MergeTree', settings('index_granularity = 8192'), 'keeps no tokens'],
  ['MergeTree', settings('non_replicated_deduplication_window = 0'), 'keeps no tokens'],
  [
    'MergeTree',
    settings('non_replicated_deduplication_window = 1'),
    'keeps 1 tokens; set non_replicated_deduplication_window to at least 100, or use a replicated engine',
  ],
  ['ReplicatedMergeTree', settings('index_granularity = 8192'), 'none'],
  ['SharedMergeTree', settings('replicated_deduplication_window = 1000'), 'none'],
  [
    'ReplicatedMergeTree',
    settings('replicated_deduplication_window = 0'),
    'keeps no tokens; set replicated_deduplication_window to at least 100',
  ],
  ['Memory', 'Memory', 'is of engine Memory, which keeps no tokens'],
])('whether a table of %s (%s) remembers tokens for long enough', (engine, engine_full, problem) => {
  expect(windowProblem('clicks', { engine, engine_full, partition_key: '' }, need) ?? 'none').toContain(problem)
})

test('each partition of a table that an insert writes to takes a place of its own; more partitions of topics need more, and a server may give few', () => {
  const plain = { engine: 'MergeTree', engine_full: settings('non_replicated_deduplication_window = 1000'), partition_key: '' }
  const byDay = { ...plain, partition_key: 'toDate(at)' }
  expect(windowProblem('clicks', plain, need)).toBeUndefined()
  expect(windowProblem('clicks', byDay, need)).toContain(
    'keeps 1000 tokens (its partitions, by toDate(at), have one each); set non_replicated_deduplication_window to at least 10000',
  )
  expect(windowProblem('clicks', plain, { ...need, inserts: 1_200 })).toContain('to at least 1200')
  const replicated = { ...plain, engine: 'ReplicatedMergeTree', engine_full: settings('index_granularity = 8192') }
  expect(windowProblem('clicks', replicated, { ...need, inserts: 1_200 })).toContain(
    'keeps 1000 tokens; set replicated_deduplication_window',
  )
  expect(windowProblem('clicks', replicated, { inserts: 1_200, replicatedDefault: undefined })).toBeUndefined()
})
