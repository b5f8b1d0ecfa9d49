import { type GroupMember, MillraceError, type OffsetCommit, type TransportAdmin } from '@millrace/core'
import { deleteLocalState } from '@millrace/runtime'
import { type Environment, wait } from '../command-line/environment.ts'
import { RefusedError } from '../command-line/errors.ts'
import type { ResetPlan } from './plan-reset.ts'

/** How long brokers may take for what they do behind their answer. */
const SETTLE_MS = 15_000
const LOOK_MS = 100
/** A member that is alive hears with its next heartbeat, every 3 s by default, that it was put out, and joins again. */
const COME_BACK_MS = 5_000

/** Refuses while the application runs. With `force`, who is in the group is put out of it: those that are dead, whose session is not over yet. */
async function checkInactive(admin: TransportAdmin, plan: ResetPlan, { force, environment }: ResetControl): Promise<void> {
  const members = await membersOf(admin, plan.applicationId)
  if (members.length === 0) return
  const who = members.map(({ clientId, host }) => `${clientId} at ${host}`).join(', ')
  if (!force) {
    throw new RefusedError(
      `Application '${plan.applicationId}' is running (${who}): stop it first. If it is dead, its members are gone when their session is over; --force puts them out at once.`,
    )
  }
  if (admin.removeMembers === undefined) throw new RefusedError(`This transport can't put members out of a group (${who}): stop them.`)
  await admin.removeMembers(plan.applicationId)
  const back = await until(async () => (await membersOf(admin, plan.applicationId)).length > 0, environment, COME_BACK_MS)
  if (back)
    throw new RefusedError(`Application '${plan.applicationId}' is alive: what was put out of its group came back (${who}). Stop it first.`)
}

export interface ResetControl {
  readonly force: boolean
  readonly environment: Pick<Environment, 'clock' | 'stop'>
}

/**
 * Does what is planned, and what can't be repeated last: whoever is interrupted runs the same again. The offsets of the inputs are committed in one step,
 * for offsets that are relative to themselves.
 */
export async function executeReset(admin: TransportAdmin, plan: ResetPlan, control: ResetControl): Promise<void> {
  const { applicationId, topics, stateDir } = plan
  const commit = admin.commitOffsets?.bind(admin)
  if (commit === undefined) throw new RefusedError("This transport can't set the offsets of a group.")
  await checkInactive(admin, plan, control)
  // A topic that is made anew begins at 0, and what is committed of the old one may outlive it for a while.
  const repartitions = topics.filter(({ topic }) => topic.endsWith('-repartition'))
  await commit(
    applicationId,
    repartitions.flatMap(({ topic, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })),
    ),
  )
  await admin.deleteTopics(topics.map(({ topic }) => topic))
  const names = topics.map(({ topic }) => topic)
  if (!(await until(async () => (await admin.describeTopics(names)).length === 0, control.environment, SETTLE_MS))) {
    throw new MillraceError('TIMED_OUT', `The brokers have not deleted ${names.join(', ')} yet. Run the same again.`, {
      stage: 'commit',
      retryable: true,
    })
  }
  if (stateDir !== undefined) await deleteLocalState(stateDir, applicationId)
  await commit(
    applicationId,
    plan.offsets.flatMap(({ topic, partition, to }): OffsetCommit[] => (to === null ? [] : [{ topic, partition, offset: to }])),
  )
}

/** Who is in the group. Rejects where the transport can't tell. */
export async function membersOf(admin: TransportAdmin, group: string): Promise<readonly GroupMember[]> {
  if (admin.describeGroup === undefined) throw new RefusedError("This transport can't tell whether the application is running.")
  return (await admin.describeGroup(group)).members
}

/** Whether it came to be so within the time. */
async function until(isSo: () => Promise<boolean>, environment: ResetControl['environment'], limitMs: number): Promise<boolean> {
  const end = environment.clock.monotonic() + limitMs
  while (!(await isSo())) {
    if (environment.stop.aborted)
      throw new RefusedError('It was stopped before it was done: run the same again before the application is started.')
    if (environment.clock.monotonic() >= end) return false
    await wait(LOOK_MS, environment)
  }
  return true
}
