import { type GroupMember, MillraceError, type OffsetCommit, type TransportAdmin } from '@millrace/core'
import { deleteLocalState, localState } from '@millrace/runtime'
import { type Environment, wait } from '../command-line/environment.ts'
import { InterruptedError, RefusedError } from '../command-line/errors.ts'
import type { ResetPlan } from './plan-reset.ts'

/** How long brokers may take for what they do behind their answer. */
const SETTLE_MS = 15_000
const LOOK_MS = 100
/** Refuses while the application runs. With `force`, who is in the group is put out of it: those that are dead, whose session is not over yet. */
async function checkInactive(
  admin: TransportAdmin,
  plan: ResetPlan,
  { force, forceWaitMs, environment, say }: ResetControl,
): Promise<void> {
  const members = await membersOf(admin, plan.applicationId)
  if (members.length === 0) return
  const who = members.map(({ clientId, host }) => `${clientId} at ${host}`).join(', ')
  if (!force) {
    throw new RefusedError(
      `Application '${plan.applicationId}' is running (${who}): stop it first. If it is dead, its members are gone when their session is over; --force puts them out at once.`,
    )
  }
  // Who is alive here need not be put out to be found.
  await checkStateIsFree(plan)
  if (admin.removeMembers === undefined) throw new RefusedError(`This transport can't put members out of a group (${who}): stop them.`)
  await admin.removeMembers(plan.applicationId)
  await say(`put out of the group: ${who}. Who is alive comes back within its session: waiting ${forceWaitMs / 1_000} s (--force-wait)`)
  const back = await until(async () => (await membersOf(admin, plan.applicationId)).length > 0, environment, forceWaitMs)
  if (back)
    throw new RefusedError(`Application '${plan.applicationId}' is alive: what was put out of its group came back (${who}). Stop it first.`)
}

/** The process that has local state open, in a sentence; undefined where none has. */
export async function stateInUse({ applicationId, stateDir }: Pick<ResetPlan, 'applicationId' | 'stateDir'>): Promise<string | undefined> {
  const slots = stateDir === undefined ? [] : await localState(stateDir, applicationId)
  const held = slots.find(({ heldBy }) => heldBy !== undefined)
  return held?.heldBy && `The state folder '${held.folder}' is in use by process ${held.heldBy.pid} on ${held.heldBy.host}: stop it first.`
}

/** What has local state open may be of the application without being in its group, and would lose its changelogs under it. */
async function checkStateIsFree(plan: ResetPlan): Promise<void> {
  const inUse = await stateInUse(plan)
  if (inUse !== undefined) throw new RefusedError(inUse)
}

export interface ResetControl {
  readonly force: boolean
  /** How long a member that is alive may take until it comes back: it hears with its next heartbeat that it was put out. */
  readonly forceWaitMs: number
  readonly environment: Pick<Environment, 'clock' | 'stop'>
  /** Told what goes on. */
  readonly say: (line: string) => Promise<void>
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
  await checkStateIsFree(plan)
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
      throw new InterruptedError('It was stopped before it was done: run the same again before the application is started.')
    if (environment.clock.monotonic() >= end) return false
    await wait(LOOK_MS, environment)
  }
  return true
}
