import { linearRegression, median } from 'simple-statistics'
import { drawn } from '../report/plain-table.ts'
import type { SoakMessage } from './soak-messages.ts'

const MIB = 1_048_576
/** Of the time: while code is compiled, and pools and caches fill. */
const WARM_UP = 0.2
/** By how much of the median resident memory may rise, from the warm-up to the end. */
const FLAT = 0.05
const PARTS = 10

export type Look = Extract<SoakMessage, { readonly type: 'memory' }>
export type Round = Extract<SoakMessage, { readonly type: 'round' }>

/** What a soak has shown. */
export interface SoakResult {
  readonly records: number
  readonly rounds: number
  /** Those after which the counts of all keys were not together what was read. */
  readonly miscounted: readonly number[]
  readonly perSecond: number
  readonly medianMib: number
  readonly highestMib: number
  /** By how much a line through resident memory rises from the end of the warm-up to the end. */
  readonly riseMib: number
  readonly flat: boolean
  /** Median resident memory of each tenth of the time, in MiB. */
  readonly tenthsMib: readonly number[]
  /** Of the rounds of each tenth: the least that was left after a collection, in MiB. */
  readonly liveMib: readonly number[]
}

export function resultOf(looks: readonly Look[], rounds: readonly Round[], recordsARound: number): SoakResult {
  const resident = looks.map(({ residentBytes }) => residentBytes / MIB)
  const warm = resident.slice(Math.floor(resident.length * WARM_UP))
  const riseMib = linearRegression(warm.map((mib, at) => [at, mib])).m * (warm.length - 1)
  const medianMib = median(warm)
  const ms = rounds.reduce((sum, round) => sum + round.ms, 0)
  return {
    records: rounds.length * recordsARound,
    rounds: rounds.length,
    miscounted: rounds.filter(({ counted }) => counted !== recordsARound).map(({ round }) => round),
    perSecond: (rounds.length * recordsARound * 1_000) / ms,
    medianMib,
    highestMib: resident.reduce((most, mib) => Math.max(most, mib), 0),
    riseMib,
    flat: riseMib <= FLAT * medianMib,
    tenthsMib: parts(resident).map((part) => median(part)),
    liveMib: parts(rounds.map(({ liveBytes }) => liveBytes / MIB)).map((part) => Math.min(...part)),
  }
}

/** Ten parts of equal length, or as many as there are. */
function parts(values: readonly number[]): number[][] {
  const count = Math.min(PARTS, values.length)
  const bound = (part: number) => Math.floor((part * values.length) / count)
  return Array.from({ length: count }, (_, part) => values.slice(bound(part), bound(part + 1)))
}

export function told(result: SoakResult): string {
  const mib = (value: number | undefined) => (value === undefined ? '' : value.toFixed(0))
  const table = drawn({
    title: 'tenths of the time',
    head: ['', ...result.tenthsMib.map((_, at) => String(at + 1))],
    rows: [
      ['resident, median, MiB', ...result.tenthsMib.map(mib)],
      ['left after a collection, least, MiB', ...result.tenthsMib.map((_, at) => mib(result.liveMib[at]))],
    ],
  })
  const { records, rounds, miscounted, perSecond, medianMib, highestMib, riseMib, flat } = result
  return `${table}${records.toLocaleString('en')} records in ${rounds} rounds; ${Math.round(perSecond).toLocaleString('en')} a second, from the start of an application until it had caught up
${miscounted.length === 0 ? 'reached    ' : 'NOT REACHED'}  each record counted once a round${miscounted.length === 0 ? '' : `: not in ${miscounted.join(', ')}`}
${flat ? 'reached    ' : 'NOT REACHED'}  resident memory flat: ${mib(medianMib)} MiB (median), ${mib(highestMib)} at most; a line through it rises by ${riseMib.toFixed(1)} MiB after the first fifth of the time (allowed: ${(FLAT * 100).toFixed(0)} % of the median)
`
}
