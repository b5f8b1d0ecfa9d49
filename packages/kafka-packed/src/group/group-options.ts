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

/** A member of a group, and how it behaves. */
export interface GroupOptions extends ConnectOptions {
  readonly groupId: string
  /** A name that no other member has, kept over restarts (KIP-345): who closes does not leave, and has its partitions back within its session. Default: none. */
  readonly groupInstanceId?: string | undefined
  /** For how long the group keeps a member that it hears nothing of, in milliseconds. Default: 45,000. */
  readonly sessionTimeoutMs?: number | undefined
  /** Between two heartbeats, in milliseconds. Default: 3,000, at most a third of the session. */
  readonly heartbeatIntervalMs?: number | undefined
  /**
   * For how long JavaScript may be busy, and how long others wait for a member that gives up partitions, in milliseconds; then the group goes on without
   * it. Default: 300,000.
   */
  readonly rebalanceTimeoutMs?: number | undefined
  /** How soon new topics and partitions are found, in milliseconds. Default: 10,000. */
  readonly topicsMaxAgeMs?: number | undefined
  /** A member gets the same partitions of topics that have as many as each other. The same for all members. Default: false. */
  readonly coLocate?: boolean | undefined
  /** Partitions whose state this member has, asked for when it joins: those that have lost their member go there, as far as that is even. Default: none. */
  readonly warm?: (() => readonly TopicPartition[]) | undefined
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
  /** Subscribed, and not there: told again and again. */
  readonly onMissing?: ((topics: readonly string[]) => void) | undefined
  /** The member was put out because JavaScript was busy for longer than `rebalanceTimeoutMs`. Told before `onLost`. */
  readonly onBusy?: (() => void) | undefined
  /** The membership is over, for good: such as when another has taken the name of this static member. */
  readonly onFailed: (error: PackedError) => void
}

export interface ResolvedGroupOptions {
  readonly connect: ResolvedConnectOptions
  readonly groupId: string
  readonly groupInstanceId: string | undefined
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly rebalanceTimeoutMs: number
  readonly topicsMaxAgeMs: number
  readonly coLocate: boolean
  readonly warm: () => readonly TopicPartition[]
  readonly clock: Clock
}

const NAMES: readonly string[] = [
  ...CONNECT_NAMES,
  ...namesOf<Omit<GroupOptions, keyof ConnectOptions>>({
    groupId: true,
    groupInstanceId: true,
    sessionTimeoutMs: true,
    heartbeatIntervalMs: true,
    rebalanceTimeoutMs: true,
    topicsMaxAgeMs: true,
    coLocate: true,
    warm: true,
    clock: true,
  }),
]

/** Fills in every default. Throws a `TypeError` that lists everything that is wrong. */
export function resolveGroupOptions(options: GroupOptions): ResolvedGroupOptions {
  const { groupId, groupInstanceId, sessionTimeoutMs = 45_000, rebalanceTimeoutMs = 300_000, topicsMaxAgeMs = 10_000 } = options
  const { coLocate = false, warm = () => [], clock = systemClock, heartbeatIntervalMs = 3_000 } = options
  const problems = unknownNames((name) => name, options, NAMES)
  const connect = resolveConnectOptions(options, problems)
  for (const [name, value] of Object.entries({ groupId, groupInstanceId })) {
    const isAbsent = name === 'groupInstanceId' && value === undefined
    if (!isAbsent && (typeof value !== 'string' || value === '')) problems.push(`${name} is ${describeValue(value)}; use text.`)
  }
  if (typeof coLocate !== 'boolean') problems.push(`coLocate is ${describeValue(coLocate)}; use true or false.`)
  if (typeof warm !== 'function') problems.push(`warm is ${describeValue(warm)}; use a function.`)
  checkNumbers({ sessionTimeoutMs, heartbeatIntervalMs, rebalanceTimeoutMs, topicsMaxAgeMs }, 1, problems)
  if (problems.length > 0) throw wrongOptions("GroupMember was given what it can't use", problems)
  return {
    // An answer that takes longer than a session comes too late to stay a member.
    connect: { ...connect, requestTimeoutMs: Math.min(connect.requestTimeoutMs, sessionTimeoutMs) },
    groupId,
    groupInstanceId,
    sessionTimeoutMs,
    heartbeatIntervalMs: Math.min(heartbeatIntervalMs, sessionTimeoutMs / 3),
    rebalanceTimeoutMs,
    topicsMaxAgeMs,
    coLocate,
    warm,
    clock,
  }
}
