import { type Clock, describeValue, namesOf, unknownNames, wrongOptions } from '@millrace/core'
import { type Compression, COMPRESSIONS } from '../compression/codec.ts'
import {
  checkNumbers,
  CONNECT_NAMES,
  type ConnectOptions,
  type ResolvedConnectOptions,
  resolveConnectOptions,
} from '../cluster/connection-options.ts'
import type { WriterStatistics } from './writer-statistics.ts'
import { systemClock } from '../cluster/system-clock.ts'

/** How records are gathered and sent. */
export interface WriterOptions extends ConnectOptions {
  /** Default: `none`. */
  readonly compression?: Compression | undefined
  /** How long a batch waits for more records, in milliseconds. Default: 5. */
  readonly lingerMs?: number | undefined
  /** A batch of so many bytes, not compressed, is sent at once. Default: 512 KiB. */
  readonly batchBytes?: number | undefined
  /** The most bytes that wait to be acknowledged, not compressed: then writing waits. Default: 64 MiB. */
  readonly maxBufferedBytes?: number | undefined
  /**
   * Names this writer in transactions: who opens another of the same name ends what this one has open, and this one. Records are written in transactions only
   * then. Default: none.
   */
  readonly transactionalId?: string | undefined
  /** After which the broker aborts a transaction by itself, in milliseconds, up to the broker's `transaction.max.timeout.ms`. Default: 60,000. */
  readonly transactionTimeoutMs?: number | undefined
  /** For how long records are tried, in milliseconds, from when they were written; then they have failed. Default: 120,000. */
  readonly deliveryTimeoutMs?: number | undefined
  /** Told every `statisticsMs` what was done. Must not throw. Default: nobody is told. */
  readonly onStatistics?: ((statistics: WriterStatistics) => void) | undefined
  /** Between two of `onStatistics`, in milliseconds. Default: 10,000. */
  readonly statisticsMs?: number | undefined
  /** Default: the time of this machine. */
  readonly clock?: Clock | undefined
}

export interface ResolvedWriterOptions {
  readonly connect: ResolvedConnectOptions
  readonly compression: Compression
  readonly lingerMs: number
  readonly batchBytes: number
  readonly maxBufferedBytes: number
  readonly deliveryTimeoutMs: number
  readonly transactionalId: string | undefined
  readonly transactionTimeoutMs: number
  readonly onStatistics: ((statistics: WriterStatistics) => void) | undefined
  readonly statisticsMs: number
  readonly clock: Clock
}

const NAMES: readonly string[] = [
  ...CONNECT_NAMES,
  ...namesOf<Omit<WriterOptions, keyof ConnectOptions>>({
    compression: true,
    lingerMs: true,
    batchBytes: true,
    maxBufferedBytes: true,
    deliveryTimeoutMs: true,
    transactionalId: true,
    transactionTimeoutMs: true,
    onStatistics: true,
    statisticsMs: true,
    clock: true,
  }),
]

/** Fills in every default. Throws a `TypeError` that lists everything that is wrong. */
export function resolveWriterOptions(options: WriterOptions): ResolvedWriterOptions {
  const { compression = 'none', lingerMs = 5, batchBytes = 512 * 1024, clock = systemClock } = options
  const { maxBufferedBytes = 64 * 1024 * 1024, deliveryTimeoutMs = 120_000, transactionalId, transactionTimeoutMs = 60_000 } = options
  const { onStatistics, statisticsMs = 10_000 } = options
  const problems = unknownNames((name) => name, options, NAMES)
  const connect = resolveConnectOptions(options, problems, clock)
  if (!COMPRESSIONS.includes(compression)) problems.push(`compression is ${describeValue(compression)}; use ${COMPRESSIONS.join(', ')}.`)
  checkNumbers({ lingerMs }, 0, problems)
  checkNumbers({ batchBytes, maxBufferedBytes, deliveryTimeoutMs, transactionTimeoutMs, statisticsMs }, 1, problems)
  if (transactionalId !== undefined && (typeof transactionalId !== 'string' || transactionalId === ''))
    problems.push(`transactionalId is ${describeValue(transactionalId)}; use text.`)
  if (problems.length > 0) throw wrongOptions("PackedWriter was given what it can't use", problems)
  const common = { connect, compression, lingerMs, batchBytes, maxBufferedBytes }
  return { ...common, deliveryTimeoutMs, transactionalId, transactionTimeoutMs, onStatistics, statisticsMs, clock }
}
