import { expect, test } from 'vitest'
import { windowProblem } from '../src/token-window.ts'

const settings = (text: string) => `MergeTree ORDER BY id SETTINGS ${text}`

test.each([
  ['MergeTree', settings('non_replicated_deduplication_window = 10000, index_granularity = 8192'), 'none'],
  ['ReplacingMergeTree', settings('index_granularity = 8192, non_replicated_deduplication_window = 100'), 'none'],
  ['MergeTree', settings('index_granularity = 8192'), 'keeps no tokens'],
  ['MergeTree', settings('non_replicated_deduplication_window = 0'), 'keeps no tokens'],
  [
    'MergeTree',
    settings('non_replicated_deduplication_window = 1'),
    'keeps 1 tokens; set non_replicated_deduplication_window to at least 100',
  ],
  ['ReplicatedMergeTree', settings('index_granularity = 8192'), 'none'],
  ['SharedMergeTree', settings('replicated_deduplication_window = 1000'), 'none'],
  [
    'ReplicatedMergeTree',
    settings('replicated_deduplication_window = 0'),
    'keeps 0 tokens; set replicated_deduplication_window to at least 100',
  ],
  ['Memory', 'Memory', 'is of engine Memory, which keeps no tokens'],
])('whether a table of %s (%s) remembers tokens for long enough', (engine, engine_full, problem) => {
  expect(windowProblem('clicks', { engine, engine_full }) ?? 'none').toContain(problem)
})
