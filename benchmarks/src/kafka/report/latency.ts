import type { Latency } from '../run/measure-latency.ts'
import type { ProgramName } from '../programs/programs.ts'
import type { PlainTable } from '../../report/plain-table.ts'
import type { BoundResult } from './bound-result.ts'

const HALF = 0.5

/** The latency of one program at several shares of its highest throughput, or of another's. */
export interface LatencyRow {
  readonly program: ProgramName
  /** Whose highest throughput the shares are of. Default: its own. */
  readonly of?: ProgramName | undefined
  readonly title: string
  /** With the rate alone where it did not come to its end at it. */
  readonly shares: readonly (Pick<Latency, 'rate'> & Partial<Latency> & { readonly share: number })[]
}

export interface LatencyResult {
  /** Of which the latency is. */
  readonly workload: string
  readonly rows: readonly LatencyRow[]
}

export function latencyTable({ workload, rows }: LatencyResult): PlainTable {
  return {
    title: `Latency, workload (${workload}): milliseconds from a record's time to its committed output being read, p50 / p99`,
    head: ['', ...(rows[0]?.shares ?? []).map(({ share }) => `at ${share} of its highest throughput`)],
    rows: rows.map(({ title, shares }) => [
      title,
      ...shares.map(({ p50, p99, rate }) => {
        const took = p50 === undefined || p99 === undefined ? 'did not come to its end' : `${Math.round(p50)} / ${Math.round(p99)}`
        return `${took} (${Math.round(rate).toLocaleString('en')}/s)`
      }),
    ]),
  }
}

/** Whether Millrace on the packed client answers as soon as Kafka Streams at half of what that can do; nothing where that was not measured. */
export function latencyBound({ workload, rows }: LatencyResult): BoundResult[] {
  const p99 = (program: ProgramName, of?: ProgramName) =>
    rows.find((row) => row.program === program && row.of === of)?.shares.find(({ share }) => share === HALF)?.p99
  const own = p99('millrace-packed', 'kafka-streams')
  const other = p99('kafka-streams')
  if (own === undefined || other === undefined) return []
  return [
    {
      says: `(${workload}) p99 latency on the packed client at half of Kafka Streams' highest throughput no more than Kafka Streams'`,
      reached: own <= other,
      measured: `${Math.round(own)} ms, Kafka Streams ${Math.round(other)} ms`,
    },
  ]
}
