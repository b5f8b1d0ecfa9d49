import { type AnyStoreDefinition, defineKeyValueStore, serdes, type Topology, TopologyBuilder } from '@millrace/core'

export const text = { key: serdes.string, value: serdes.string }

/** A store that is never opened. */
export function storeNamed(name: string) {
  return defineKeyValueStore({ name, ...text, access: 'sync', open: () => Promise.reject(new Error('Nobody opens this.')) })
}

/** A processor node that does nothing, with these stores. */
export function using(...stores: readonly AnyStoreDefinition[]) {
  return { create: () => ({ process: () => undefined }), stores }
}

/** The word count of the design. */
export function wordCount(): Topology {
  const builder = new TopologyBuilder('word-count')
  const counts = storeNamed('counts')
  builder
    .source('lines', { topics: ['lines'], ...text })
    .flatMap('split', (line) => line.value.split(' ').map((word) => ({ ...line, key: word })))
    .repartition('by-word', text)
    .process('count', using(counts))
    .sink('totals', { topic: 'word-counts', ...text })
  return builder.build()
}
