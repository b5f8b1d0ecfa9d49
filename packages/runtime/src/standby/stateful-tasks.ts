import type { AnyStoreDefinition } from '@millrace/core'
import type { TopicPlan } from '../app/topic-plan.ts'

/** A task that keeps state, wherever it runs. */
export interface StatefulTask {
  /** `<sub-topology>_<partition>`. */
  readonly id: string
  readonly partition: number
  readonly stores: readonly AnyStoreDefinition[]
}

/** All tasks of the plan that keep state. */
export function statefulTasks({ subTopologies }: TopicPlan): StatefulTask[] {
  return subTopologies.flatMap(({ subTopology: { index, stores }, partitions }) =>
    stores.length === 0 ? [] : Array.from({ length: partitions }, (_, partition) => ({ id: `${index}_${partition}`, partition, stores })),
  )
}
