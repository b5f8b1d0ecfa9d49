import { summarise } from '../../harness/summary.ts'
import type { HeapRuns } from '../run/measure-heaps.ts'
import { type BoundResult, ratio } from './bound-result.ts'
import type { PlainTable } from './plain-table.ts'

const MEGABYTE = 1_048_576
/** Of its best throughput: a heap in which Kafka Streams does as well is large enough. */
const ENOUGH = 0.95

interface HeapFigures {
  readonly title: string
  readonly heapMb?: number | undefined
  readonly rate: number
  readonly peakMb: number | undefined
}

function figuresOf(all: readonly HeapRuns[]): HeapFigures[] {
  return all
    .filter(({ runs }) => runs.length > 0)
    .map(({ title, heapMb, runs }) => {
      const peaks = runs.map(({ peakBytes }) => peakBytes).filter((bytes) => bytes !== undefined)
      return {
        title,
        heapMb,
        rate: summarise(runs.map(({ recordsPerSecond }) => recordsPerSecond)).median,
        peakMb: peaks.length === 0 ? undefined : summarise(peaks).median / MEGABYTE,
      }
    })
}

function best(figures: readonly HeapFigures[]): number {
  return Math.max(...figures.filter(({ heapMb }) => heapMb !== undefined).map(({ rate }) => rate))
}

/** The smallest heap in which Kafka Streams reaches 95 % of its best throughput; undefined where none was measured. */
export function smallestHeap(all: readonly HeapRuns[]): HeapFigures | undefined {
  const figures = figuresOf(all)
  const least = ENOUGH * best(figures)
  return figures.filter(({ heapMb, rate }) => heapMb !== undefined && rate >= least).sort((a, b) => Number(a.heapMb) - Number(b.heapMb))[0]
}

export function heapTable(all: readonly HeapRuns[]): PlainTable {
  const figures = figuresOf(all)
  const most = best(figures)
  const failed = all.filter(({ failure }) => failure !== undefined).map(({ title }) => [title, 'does not do it', '', ''])
  return {
    title: `Memory, workload (a): median of ${Math.max(...all.map(({ runs }) => runs.length))} runs`,
    head: ['', 'records/s', "of Kafka Streams' best", 'peak MB'],
    rows: [
      ...figures.map(({ title, rate, peakMb }) => [
        title,
        Math.round(rate).toLocaleString('en'),
        ratio(rate / most),
        peakMb === undefined ? '-' : Math.round(peakMb).toLocaleString('en'),
      ]),
      ...failed,
    ],
  }
}

/** Whether Millrace needs no more memory than Kafka Streams in that heap; nothing where that can't be told. */
export function heapBound(all: readonly HeapRuns[]): BoundResult[] {
  const smallest = smallestHeap(all)
  const own = figuresOf(all).find(({ heapMb }) => heapMb === undefined)
  if (smallest?.peakMb === undefined || own?.peakMb === undefined) return []
  return [
    {
      says: 'memory: no more than Kafka Streams in the smallest heap that gives it 95 % of its best throughput',
      reached: own.peakMb <= smallest.peakMb,
      measured: `${Math.round(own.peakMb)} MB, Kafka Streams ${Math.round(smallest.peakMb)} MB in a heap of ${smallest.heapMb} MiB`,
    },
  ]
}
