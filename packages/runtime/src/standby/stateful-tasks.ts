import type { AnyStoreDefinition } from '@millrace/core'
import type { TopicPlan } from '../app/topic-plan.ts'
import { changelogKind } from '../store/changelogged-store.ts'

/** A task that keeps state which can be followed, wherever it runs. */
export interface StatefulTask {
  /** `<sub-topology>_<partition>`. */
  readonly id: string
  readonly partition: number
  /** Those that have a changelog of their own. */
  readonly stores: readonly AnyStoreDefinition[]
}

/** All tasks of the plan that keep such state. */
export function statefulTasks({ subTopologies }: TopicPlan): StatefulTask[] {
  return subTopologies.flatMap(({ subTopology, partitions }) => {
    const stores = subTopology.stores.filter((store) => changelogKind(store) === 'own')
    return stores.length === 0
      ? []
      : Array.from({ length: partitions }, (_, partition) => ({ id: `${subTopology.index}_${partition}`, partition, stores }))
  })
}
