import type { AnyStoreDefinition } from '@millrace/core'
import type { PlannedSubTopology, TopicPlan } from '../app/topic-plan.ts'
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
  return subTopologies.flatMap((planned) => {
    const stores = planned.subTopology.stores.filter((store) => changelogKind(store) === 'own')
    return stores.length === 0 ? [] : tasksOf(planned).map((task) => ({ ...task, stores }))
  })
}

/** Ids of all tasks of the plan that have a store without a changelog. */
export function unloggedTasks({ subTopologies }: TopicPlan): string[] {
  const having = subTopologies.filter(({ subTopology: { stores } }) => stores.some((store) => changelogKind(store) === 'none'))
  return having.flatMap((planned) => tasksOf(planned).map(({ id }) => id))
}

function tasksOf({ subTopology: { index }, partitions }: PlannedSubTopology): { readonly id: string; readonly partition: number }[] {
  return Array.from({ length: partitions }, (_, partition) => ({ id: `${index}_${partition}`, partition }))
}
