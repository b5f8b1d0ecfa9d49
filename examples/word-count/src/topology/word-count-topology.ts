import { BatchCountAggregator, serdes, type Topology, TopologyBuilder } from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { SingleCount } from './single-count.ts'
import { words } from './words.ts'

/** Input: lines of text, whatever their key. Null is taken for a line without words. */
export const lineSerdes = { key: serdes.nullable(serdes.bytes), value: serdes.nullable(serdes.string) }

/** Output: a word in UTF-8, and how often it has come so far, 8 bytes big-endian. */
export const countSerdes = { key: serdes.string, value: serdes.safeInt64 }

export const counts = leveldb.keyValueStore({ name: 'counts', ...countSerdes })

export interface WordCountOptions {
  readonly inputTopic: string
  readonly outputTopic: string
  /** Count with a processor that only knows single records. */
  readonly single: boolean
}

/** Lines in; out, for every word of theirs, the word with its count so far. */
export function wordCountTopology({ inputTopic, outputTopic, single }: WordCountOptions): Topology {
  const builder = new TopologyBuilder('word-count')
  const byWord = builder
    .source('lines', { topics: [inputTopic], ...lineSerdes })
    // A word travels without its line: in the topic between, a line of n words would stand n times.
    .process<string, undefined>('split', ({ value, timestamp }, context) => {
      for (const word of words(value ?? '')) context.forward({ key: word, value: undefined, timestamp })
    })
    .repartition('by-word', { key: serdes.string, value: serdes.void })
  const counted = single
    ? byWord.process('count', { create: () => new SingleCount(counts), stores: [counts] })
    : byWord.process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
  counted.sink('totals', { topic: outputTopic, ...countSerdes })
  return builder.build()
}
