import { BatchCountAggregator, type KeyValueStoreDefinition, type Processor, serdes, type Topology, TopologyBuilder } from 'millrace'
import { inMemory } from 'millrace/memory'

export const inputSerdes = { key: serdes.nullable(serdes.string), value: serdes.string }
export const outputSerdes = { key: serdes.string, value: serdes.safeInt64 }

const memoryCounts = inMemory.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })

/** Counts as `BatchCountAggregator` does, but knows single records only. */
class SingleCounter implements Processor<string, string, string, number> {
  readonly #counts: KeyValueStoreDefinition<string, number>

  constructor(counts: KeyValueStoreDefinition<string, number>) {
    this.#counts = counts
  }

  readonly process: Processor<string, string, string, number>['process'] = (record, context) => {
    const counts = context.store(this.#counts)
    const count = (counts.get(record.key) ?? 0) + 1
    counts.set(record.key, count)
    context.forward({ ...record, value: count })
  }
}

/** Lines in, words out, each with its count so far; words are separated by spaces. */
export function wordCountTopology(
  options: { counts?: KeyValueStoreDefinition<string, number>; single?: boolean; topics?: { input: string; output: string } } = {},
): Topology {
  const { counts = memoryCounts, single = false, topics = { input: 'lines', output: 'word-counts' } } = options
  const builder = new TopologyBuilder('word-count')
  const words = builder
    .source('lines', { topics: [topics.input], ...inputSerdes })
    .process<string, string>('split', (line, context) => {
      for (const word of line.value.split(' ')) if (word !== '') context.forward({ ...line, key: word })
    })
    .repartition('by-word', { key: serdes.string, value: serdes.string })
  const counted = single
    ? words.process('count', { create: () => new SingleCounter(counts), stores: [counts] })
    : words.process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
  counted.sink('totals', { topic: topics.output, ...outputSerdes })
  return builder.build()
}

/** An independent count. */
export function countWords(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const word of lines.join(' ').split(/ +/)) if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

/** `count` lines of a few words each, the same for the same seed. */
export function someLines(count: number, seed = 1): string[] {
  let state = seed
  const next = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
  return Array.from({ length: count }, () => Array.from({ length: 1 + next(8) }, () => `w${next(50)}`).join(' '))
}
