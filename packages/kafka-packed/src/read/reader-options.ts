import { type Clock, describeValue, type IsolationLevel, namesOf, unknownNames, wrongOptions } from '@millrace/core'
import {
  checkNumbers,
  CONNECT_NAMES,
  type ConnectOptions,
  type ResolvedConnectOptions,
  resolveConnectOptions,
} from '../cluster/connection-options.ts'
import type { ReaderStatistics } from './reader-statistics.ts'
import { systemClock } from '../cluster/system-clock.ts'

/** What is read, and how much of it is kept. */
export interface ReaderOptions extends ConnectOptions {
  /** Whether records of open and aborted transactions are read. Default: `read-committed`. */
  readonly isolation?: IsolationLevel | undefined
  /** Where this client is: a replica in the same rack is read from, if the brokers choose replicas so. Default: none, leaders are read from. */
  readonly rack?: string | undefined
  /** How long a broker waits for records before it answers that there are none, or fewer than `minBytes`, in milliseconds. Default: 500. */
  readonly maxWaitMs?: number | undefined
  /** So many bytes a broker waits for before it answers. Default: 1, any record. */
  readonly minBytes?: number | undefined
  /** The most bytes of one partition in an answer; a batch that is larger comes alone. Default: 1 MiB. */
  readonly maxPartitionBytes?: number | undefined
  /** The most bytes of an answer. Default: 16 MiB. */
  readonly maxFetchBytes?: number | undefined
  /** The most bytes, as they arrived, that wait to be polled or are asked for; one batch a partition may come on top of it. Default: 64 MiB. */
  readonly maxBufferedBytes?: number | undefined
  /** The most bytes that one poll hands out, decompressed; one batch may come on top of it. Default: 64 MiB. */
  readonly maxPollBytes?: number | undefined
  /** Whether checksums are compared: about a tenth of a microsecond a record. Default: false. */
  readonly checkCrcs?: boolean | undefined
  /** Called when there may be something to poll. It may not throw. Default: none. */
  readonly onArrival?: (() => void) | undefined
  /** Told every `statisticsMs` what was read, and how far. Must not throw. Default: nobody is told. */
  readonly onStatistics?: ((statistics: ReaderStatistics) => void) | undefined
  /** Between two of `onStatistics`, in milliseconds. Default: 10,000. */
  readonly statisticsMs?: number | undefined
  /** Default: the time of this machine. */
  readonly clock?: Clock | undefined
}

export interface ResolvedReaderOptions {
  readonly connect: ResolvedConnectOptions
  readonly isolation: IsolationLevel
  readonly rack: string
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxPartitionBytes: number
  readonly maxFetchBytes: number
  readonly maxBufferedBytes: number
  readonly maxPollBytes: number
  readonly checkCrcs: boolean
  readonly onArrival: () => void
  readonly onStatistics: ((statistics: ReaderStatistics) => void) | undefined
  readonly statisticsMs: number
  readonly clock: Clock
}

const MIB = 1024 * 1024
const LEVELS: readonly IsolationLevel[] = ['read-committed', 'read-uncommitted']

const NAMES: readonly string[] = [
  ...CONNECT_NAMES,
  ...namesOf<Omit<ReaderOptions, keyof ConnectOptions>>({
    isolation: true,
    rack: true,
    maxWaitMs: true,
    minBytes: true,
    maxPartitionBytes: true,
    maxFetchBytes: true,
    maxBufferedBytes: true,
    maxPollBytes: true,
    checkCrcs: true,
    onArrival: true,
    onStatistics: true,
    statisticsMs: true,
    clock: true,
  }),
]

/** Fills in every default. Throws a `TypeError` that lists everything that is wrong. */
export function resolveReaderOptions(options: ReaderOptions): ResolvedReaderOptions {
  const { isolation = 'read-committed', rack = '', maxWaitMs = 500, minBytes = 1, checkCrcs = false, clock = systemClock } = options
  const { onArrival = () => {} } = options
  const { maxPartitionBytes = MIB, maxFetchBytes = 16 * MIB, maxBufferedBytes = 64 * MIB, maxPollBytes = 64 * MIB } = options
  const { onStatistics, statisticsMs = 10_000 } = options
  const problems = unknownNames((name) => name, options, NAMES)
  const connect = resolveConnectOptions(options, problems, clock)
  if (!LEVELS.includes(isolation)) problems.push(`isolation is ${describeValue(isolation)}; use ${LEVELS.join(' or ')}.`)
  if (typeof rack !== 'string') problems.push(`rack is ${describeValue(rack)}; use text.`)
  if (typeof checkCrcs !== 'boolean') problems.push(`checkCrcs is ${describeValue(checkCrcs)}; use true or false.`)
  checkNumbers({ maxWaitMs }, 0, problems)
  checkNumbers({ minBytes, maxPartitionBytes, maxFetchBytes, maxBufferedBytes, maxPollBytes, statisticsMs }, 1, problems)
  if (problems.length > 0) throw wrongOptions("PackedReader was given what it can't use", problems)
  return {
    connect,
    isolation,
    rack,
    maxWaitMs,
    minBytes,
    maxPartitionBytes,
    maxFetchBytes,
    maxBufferedBytes,
    maxPollBytes,
    checkCrcs,
    onArrival,
    onStatistics,
    statisticsMs,
    clock,
  }
}
