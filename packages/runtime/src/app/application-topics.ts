import { repartitionTopic, type Topology } from '@millrace/core'
import { changelogTopic, resolveTopic } from '../internal/topic-names.ts'
import { changelogKind } from '../store/changelogged-store.ts'

/** The topics of an application, by what they are to it. */
export interface ApplicationTopics {
  /** What it reads from outside: names, and patterns of names. */
  readonly inputs: readonly (string | RegExp)[]
  /** What it writes to itself and reads again. */
  readonly repartitions: readonly string[]
  /** The changelogs that are its own, by the name of the store; input topics that stand in for one are not among them. */
  readonly changelogs: ReadonlyMap<string, string>
}

/** The full names of the topics that a topology has in an application of this id, whether or not they exist. */
export function applicationTopics({ nodes, stores }: Topology, applicationId: string): ApplicationTopics {
  const read = nodes.flatMap((node) => (node.kind === 'source' ? node.topics : []))
  const written = nodes.flatMap((node) => (node.kind === 'sink' && typeof node.topic === 'object' ? [node.topic] : []))
  return {
    inputs: read.filter(({ kind }) => kind !== 'repartition').map((ref) => resolveTopic(ref, applicationId)),
    repartitions: [
      ...new Set([...read, ...written].flatMap((ref) => (ref.kind === 'repartition' ? [repartitionTopic(applicationId, ref.name)] : []))),
    ],
    changelogs: new Map(
      stores.filter((store) => changelogKind(store) === 'own').map(({ name }) => [name, changelogTopic(applicationId, name)]),
    ),
  }
}
