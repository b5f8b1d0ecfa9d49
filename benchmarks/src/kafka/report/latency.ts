import type { Latency } from '../run/measure-latency.ts'
import type { PlainTable } from '../../report/plain-table.ts'

/** The latency of one program at several shares of its highest throughput. */
export interface LatencyRow {
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
