import type { RecordSourceOptions, StandbyPlacing } from '@millrace/core'
import { statefulTasks } from '../standby/stateful-tasks.ts'
import type { Standbys } from '../standby/standbys.ts'
import { plannedInput } from '../task/planned-input.ts'
import type { KeptState } from './kept-state.ts'
import type { AppParts } from './local-app.ts'
import type { TopicPlan } from './topic-plan.ts'
import { clientIdOf } from './writer-options.ts'

/** Records of one poll, at most; fewer where the buffer is small. */
const MAX_POLL_RECORDS = 10_000

/** How a process opens what it reads its inputs by. */
export function sourceOptions(
  { definition, plan, slot, thread }: Pick<AppParts, 'definition' | 'plan' | 'slot' | 'thread'>,
  kept: KeptState,
  standbys: Standbys | undefined,
): RecordSourceOptions {
  const { applicationId, buffer, processingGuarantee, hotStandby } = definition
  const isPlaced = standbys !== undefined && hotStandby !== false && hotStandby.replicas !== Infinity
  return {
    groupId: applicationId,
    clientId: clientIdOf(definition, slot),
    member: thread?.number,
    coLocate: plan.coLocate,
    warm: () => kept.partitions,
    standbys: isPlaced ? placing(plan, hotStandby.replicas, standbys) : undefined,
    maxPollRecords: Math.max(1, Math.min(MAX_POLL_RECORDS, Math.floor(buffer.maxRecords / 2))),
    isolation: processingGuarantee === 'exactly-once' ? 'read-committed' : 'read-uncommitted',
  }
}

function placing(plan: TopicPlan, replicas: number, standbys: Standbys): StandbyPlacing {
  const stateful = new Set(statefulTasks(plan).map(({ id }) => Number(id.slice(0, id.indexOf('_')))))
  const topics = plan.subTopologies.flatMap(({ subTopology, inputs }) =>
    stateful.has(subTopology.index) ? inputs.map(({ topic }) => topic) : [],
  )
  return {
    replicas,
    topics,
    onPlaced: (partitions) => {
      standbys.place(
        new Set(partitions.map(({ topic, partition }) => `${plannedInput(plan, topic).planned.subTopology.index}_${partition}`)),
      )
    },
  }
}
