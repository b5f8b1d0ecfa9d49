import { type Clock, describeValue, namesOf, type TopicPartition, unknownNames, wrongOptions } from '@millrace/core'
import {
  checkNumbers,
  CONNECT_NAMES,
  type ConnectOptions,
  type ResolvedConnectOptions,
  resolveConnectOptions,
} from '../cluster/connection-options.ts'
import { systemClock } from '../cluster/system-clock.ts'
import type { PackedError } from '../errors/packed-error.ts'
import { NO_STANDBYS, type StandbySubscription } from './consumer-protocol.ts'

/** A member of a group, and how it behaves. */
export interface GroupOptions extends ConnectOptions {
  readonly groupId: string
  /**
   * `classic`: the assignment is ours, all members are of this client. `consumer`: KIP-848, for brokers from 4.0 on; the brokers assign, and members may be of any client that
   * speaks it. All members use the same. Default: `classic`.
   */
  readonly groupProtocol?: 'classic' | 'consumer' | undefined
  /** Who says who gets what with groupProtocol `consumer`: an assignor that the brokers have, such as `uniform` or `range`. Default: as the brokers have it. */
  readonly serverAssignor?: string | undefined
  /**
   * A name that no other member has, kept over restarts (KIP-345): who closes does not leave, and has its partitions back within its session. Of two at once, the classic protocol
   * ends the first; `consumer` ends the second, once it has waited for as long as a session: the first may have died. Default: none.
   */
  readonly groupInstanceId?: string | undefined
  /**
   * For how long the group keeps a member that it hears nothing of, in milliseconds. With groupProtocol `consumer` the brokers decide
   * (`group.consumer.session.timeout.ms`): say here what they have, so that a member counts itself out no later than they do. Default: 45,000.
   */
  readonly sessionTimeoutMs?: number | undefined
  /** Between two heartbeats, in milliseconds. With groupProtocol `consumer` as the brokers say. Default: 3,000, at most a third of the session. */
  readonly heartbeatIntervalMs?: number | undefined
  /**
   * For how long JavaScript may be busy, and how long others wait for a member that gives up partitions, in milliseconds; then the group goes on without
   * it. Default: 300,000.
   */
  readonly rebalanceTimeoutMs?: number | undefined
  /** How soon new topics and partitions are found, in milliseconds. Default: 10,000. */
  readonly topicsMaxAgeMs?: number | undefined
  /** A member gets the same partitions of topics that have as many as each other. The same for all members. For groupProtocol `classic`. Default: false. */
  readonly coLocate?: boolean | undefined
  /** Partitions whose state this member has, asked for when it joins: those that have lost their member go there, as far as that is even. For groupProtocol `classic`. Default: none. */
  readonly warm?: (() => readonly TopicPartition[]) | undefined
  /**
   * Makes this member follow the state of what others have, as {@link GroupHooks.onStandbys} says: of partitions of these topics, each by so many members besides the one that has it
   * (the most that any member says), evenly, and where their state is. Of those members that have this option. For groupProtocol `classic`. Default: none.
   */
  readonly standbys?: { readonly replicas: number; readonly topics: readonly string[] } | undefined
  /** Default: the time of this machine. */
  readonly clock?: Clock | undefined
}

/** Told what the group gives and takes. None may throw; what they resolve to is not looked at, and one that rejects counts as done. */
export interface GroupHooks {
  /** What came new, which may be nothing: at the end of each rebalance. */
  readonly onAssigned: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** To be given up: others get them when this has resolved. */
  readonly onRevoked: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** Others may have them already. Told at once, also while one of the others is at work; the member joins again when it has resolved. */
  readonly onLost: (partitions: readonly TopicPartition[]) => void | Promise<void>
  /** Partitions whose state it is to follow from now on: all of them, and what it is to have once others have let it go. Told in each rebalance, before `onRevoked` and `onAssigned`. */
  readonly onStandbys?: ((partitions: readonly TopicPartition[]) => void) | undefined
  /** Subscribed, and not there: told again and again. */
  readonly onMissing?: ((topics: readonly string[]) => void) | undefined
  /** The member was put out because JavaScript was busy for longer than `rebalanceTimeoutMs`. Told before `onLost`. */
  readonly onBusy?: (() => void) | undefined
  /** The thread has died that sends heartbeats while JavaScript is busy: when that lasts for longer than a session, the group puts the member out. */
  readonly onStandInLost?: ((error: Error) => void) | undefined
  /** The membership is over, for good: such as when another has taken the name of this static member. */
  readonly onFailed: (error: PackedError) => void
}

export interface ResolvedGroupOptions {
  readonly connect: ResolvedConnectOptions
  readonly groupId: string
  readonly groupProtocol: 'classic' | 'consumer'
  readonly serverAssignor: string | undefined
  readonly groupInstanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
  readonly topicsMaxAgeMs: number
  readonly coLocate: boolean
  readonly warm: () => readonly TopicPartition[]
  readonly standbys: StandbySubscription
  readonly clock: Clock
}

const NAMES: readonly string[] = [
  ...CONNECT_NAMES,
  ...namesOf<Omit<GroupOptions, keyof ConnectOptions>>({
    groupId: true,
    groupProtocol: true,
    serverAssignor: true,
    groupInstanceId: true,
    sessionTimeoutMs: true,
    heartbeatIntervalMs: true,
    rebalanceTimeoutMs: true,
    topicsMaxAgeMs: true,
    coLocate: true,
    warm: true,
    standbys: true,
    clock: true,
  }),
]

/** Fills in every default. Throws a `TypeError` that lists everything that is wrong. */
export function resolveGroupOptions(options: GroupOptions): ResolvedGroupOptions {
  const { groupId, groupInstanceId, sessionTimeoutMs = 45_000, rebalanceTimeoutMs = 300_000, topicsMaxAgeMs = 10_000 } = options
  const { groupProtocol = 'classic', serverAssignor } = options
  const { coLocate = false, warm = () => [], standbys = NO_STANDBYS, clock = systemClock, heartbeatIntervalMs = 3_000 } = options
  const problems = unknownNames((name) => name, options, NAMES)
  const connect = resolveConnectOptions(options, problems)
  for (const [name, value] of Object.entries({ groupId, groupInstanceId, serverAssignor })) {
    const isAbsent = name !== 'groupId' && value === undefined
    if (!isAbsent && (typeof value !== 'string' || value === '')) problems.push(`${name} is ${describeValue(value)}; use text.`)
  }
  problems.push(...protocolProblems(options))
  if (typeof coLocate !== 'boolean') problems.push(`coLocate is ${describeValue(coLocate)}; use true or false.`)
  if (standbys !== NO_STANDBYS) {
    checkNumbers({ 'standbys.replicas': standbys.replicas }, 1, problems)
    if (!Array.isArray(standbys.topics)) problems.push(`standbys.topics is ${describeValue(standbys.topics)}; use an array of names.`)
  }
  if (typeof warm !== 'function') problems.push(`warm is ${describeValue(warm)}; use a function.`)
  checkNumbers({ sessionTimeoutMs, heartbeatIntervalMs, rebalanceTimeoutMs, topicsMaxAgeMs }, 1, problems)
  if (problems.length > 0) throw wrongOptions("GroupMember was given what it can't use", problems)
  return {
    // An answer that takes longer than a session comes too late to stay a member.
    connect: { ...connect, requestTimeoutMs: Math.min(connect.requestTimeoutMs, sessionTimeoutMs) },
    groupId,
    groupProtocol,
    serverAssignor,
    groupInstanceId,
    sessionTimeoutMs,
    heartbeatIntervalMs: Math.min(heartbeatIntervalMs, sessionTimeoutMs / 3),
    rebalanceTimeoutMs,
    topicsMaxAgeMs,
    coLocate,
    warm,
    standbys,
    clock,
  }
}

function protocolProblems({ groupProtocol = 'classic', serverAssignor, coLocate = false, warm, standbys }: GroupOptions): string[] {
  if (groupProtocol === 'classic')
    return serverAssignor === undefined
      ? []
      : ["serverAssignor is for groupProtocol 'consumer': leave it out, the assignor is this client's."]
  if (groupProtocol !== 'consumer') return [`groupProtocol is ${describeValue(groupProtocol)}; use 'classic' or 'consumer'.`]
  return [
    ...(coLocate ? ["coLocate is for groupProtocol 'classic': the brokers assign, so use serverAssignor 'range'."] : []),
    ...(standbys === undefined ? [] : ["standbys is for groupProtocol 'classic': leave it out, the brokers assign."]),
    ...(warm === undefined ? [] : ["warm is for groupProtocol 'classic': leave it out, the brokers assign."]),
  ]
}
