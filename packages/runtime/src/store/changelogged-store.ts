import type { AnyStoreDefinition } from '@millrace/core'
import { changelogTopic } from '../internal/topic-names.ts'
import type { TaskStore } from './layers/task-store.ts'

/** What a store is restored from: a topic of its own, an input topic, or nothing. */
export type ChangelogKind = 'own' | 'source' | 'none'

/** One store of a task, with the changelog partition that backs it. */
export interface ChangeloggedStore {
  readonly definition: AnyStoreDefinition
  store: TaskStore
  readonly kind: ChangelogKind
  /** Where the kind is `none`, a name that no topic has. */
  readonly topic: string
  readonly partition: number
  /** The id of the topic beside which the entries were written, as far as known. */
  topicId: string | undefined
  /** The store holds at least all changelog records below this offset: where the next restore begins. Undefined: nothing is known. */
  position: number | undefined
  /** When the store held all of its changelog, milliseconds since the epoch; undefined if that is not known. */
  upToDateAt: number | undefined
  /** The input offsets that were committed when the entries were, or earlier, by topic-partition. */
  inputs: Readonly<Record<string, number>>
  /** Whether `seal` took changes that `persist` has not written yet. */
  sealed: boolean
}

/** What a store is restored from. */
export function changelogKind({ changelog }: AnyStoreDefinition): ChangelogKind {
  if (changelog === false) return 'none'
  return changelog?.sourceTopic === undefined ? 'own' : 'source'
}

/** The topic of it. */
export function changelogOf({ name, changelog }: AnyStoreDefinition, applicationId: string): string {
  return (changelog === false ? undefined : changelog?.sourceTopic) ?? changelogTopic(applicationId, name)
}
