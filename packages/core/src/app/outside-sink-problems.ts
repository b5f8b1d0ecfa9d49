import type { ProcessingGuarantee } from '../commit/processing-guarantee.ts'
import type { Topology } from '../topology/topology.ts'

/** Sinks outside of the log where their offsets can't wait for their rows. */
export function outsideSinkConflicts(topology: Topology | undefined, processingGuarantee: ProcessingGuarantee): string[] {
  const subTopologies: Topology['subTopologies'] = Array.isArray(topology?.subTopologies) ? topology.subTopologies : []
  return subTopologies.flatMap(({ index, nodes, stores }) => {
    const sink = nodes.find(({ kind }) => kind === 'outside-sink')
    if (sink === undefined) return []
    if (processingGuarantee === 'exactly-once')
      return [
        `Sink '${sink.name}' stores outside of Kafka, which processingGuarantee 'exactly-once' does not cover: a transaction would have to wait for its rows; ` +
          `use 'at-least-once', with a sink that is exactly once by itself.`,
      ]
    const unlogged = stores.find(({ changelog }) => changelog === false)
    if (unlogged === undefined) return []
    return [
      `Store '${unlogged.name}' has no changelog and sink '${sink.name}' stores outside of Kafka, both in sub-topology ${index}: a task goes on reading where state ` +
        `without a changelog is, so that rows that were not stored yet would be lost; let the store have a changelog, or separate them by repartition().`,
    ]
  })
}
