import { type ProfileParts, profileParts } from '../report/profile-parts.ts'
import { allocatedBytes } from './allocated-bytes.ts'
import { collectGarbage } from './collect-garbage.ts'
import type { Comparison, Contender, Opened } from './comparison.ts'
import { profiled } from './cpu-profile.ts'
import { threadMs } from './thread-time.ts'
import { summarise, type Summary, upperLimitOfMedian } from './summary.ts'

export interface MeasureOptions {
  /** How often each contender is timed. */
  readonly runs: number
  /** Runs of each contender before it is timed. The first tells how often work must be repeated. At least 2. */
  readonly warmUpRuns: number
  /** How long a run lasts at least, in milliseconds, where work can be repeated. */
  readonly runMs: number
  /** Where CPU profiles go, one a contender, of runs that are not timed. Absent: none are made. */
  readonly profileFolder?: string | undefined
}

/** What is known of one contender. */
export interface Row {
  readonly name: string
  readonly says: string
  /** Microseconds a record. */
  readonly micros: Summary
  /** Of the thread of JavaScript, microseconds a record. */
  readonly threadMicros: Summary
  /** Its time over the baseline's, of the same round. */
  readonly timeRatio: Summary
  /** The process's CPU time over that of the baseline, of the same round: the median, and what it is below with 95 percent of confidence. */
  readonly cpuRatio: { readonly median: number; readonly upperLimit: number }
  /** On V8's heap. */
  readonly bytesPerRecord: number
  /** Where its time goes, if it was profiled. */
  readonly parts?: ProfileParts | undefined
}

export interface Measured {
  readonly comparison: string
  readonly runs: number
  /** The baseline first. */
  readonly rows: readonly Row[]
}

interface Entrant {
  readonly contender: Contender
  /** Of a run, of one that stays open. */
  readonly slices: number | undefined
  /** Calls of `work` that make one run. */
  repeats: number
  opened: Opened | undefined
  readonly micros: number[]
  readonly threadMicros: number[]
  readonly cpu: number[]
  bytesPerRecord: number
  parts: ProfileParts | undefined
}

/** Times all contenders in turns: each round runs each of them once, beginning with another, so that what the machine does meanwhile meets all. */
export async function measure(comparison: Comparison, asked: MeasureOptions): Promise<Measured> {
  const { name, baseline, others, minRuns = 0, minWarmUpRuns = 0, slices } = comparison
  const options = { ...asked, runs: Math.max(asked.runs, minRuns), warmUpRuns: Math.max(asked.warmUpRuns, minWarmUpRuns) }
  const entrants = [baseline, ...others].map((contender): Entrant => ({
    contender,
    slices,
    repeats: 1,
    opened: undefined,
    micros: [],
    threadMicros: [],
    cpu: [],
    bytesPerRecord: 0,
    parts: undefined,
  }))
  try {
    await warmUp(entrants, options)
    for (let round = 0; round < options.runs; round++) await timeRound(entrants, round, slices ?? 1)
    for (const entrant of entrants) {
      await once(entrant, async (opened) => {
        const bytes = await allocatedBytes(
          () => repeat(opened, entrant.repeats),
          () => opened.begin?.(),
        )
        entrant.bytesPerRecord = bytes / (entrant.repeats * entrant.contender.records)
      })
      if (options.profileFolder === undefined) continue
      const title = `${name} ${entrant.contender.name}`
      await once(entrant, async (opened) => {
        opened.begin?.()
        const profile = await profiled(options.profileFolder as string, title, () => repeat(opened, entrant.repeats))
        entrant.parts = profileParts(profile, entrant.repeats * entrant.contender.records)
      })
    }
  } finally {
    for (const { opened } of entrants) await opened?.close?.()
  }
  const first = entrants[0] as Entrant
  return { comparison: name, runs: options.runs, rows: entrants.map((entrant) => rowOf(entrant, first)) }
}

/** A run of each, slice by slice. */
async function timeRound(entrants: readonly Entrant[], round: number, slices: number): Promise<void> {
  const sums = new Map<Entrant, Times>(entrants.map((entrant) => [entrant, { micros: 0, threadMicros: 0, cpu: 0 }]))
  for (let slice = round * slices; slice < (round + 1) * slices; slice++) {
    for (let i = 0; i < entrants.length; i++) {
      // Forwards and backwards: what one leaves behind does not always meet the same one.
      const turn = slice % 2 === 0 ? slice + i : slice + entrants.length - i
      const entrant = entrants[turn % entrants.length] as Entrant
      await once(entrant, async (opened) => {
        const times = await timed(opened, entrant)
        const sum = sums.get(entrant) as Times
        sum.micros += times.micros / slices
        sum.threadMicros += times.threadMicros / slices
        sum.cpu += times.cpu / slices
      })
    }
  }
  for (const [entrant, { micros, threadMicros, cpu }] of sums) {
    entrant.micros.push(micros)
    entrant.threadMicros.push(threadMicros)
    entrant.cpu.push(cpu)
  }
}

/**
 * Until the code is compiled, for all of them, since they share most of it; finds out how often work must be repeated to be measured, and whether it does what it
 * should.
 */
async function warmUp(entrants: readonly Entrant[], { runMs, warmUpRuns }: MeasureOptions): Promise<void> {
  for (let run = 0; run < warmUpRuns; run++) {
    for (const entrant of entrants) {
      const { contender, slices } = entrant
      await once(entrant, async (opened) => {
        const { micros } = await timed(opened, entrant)
        if (run === 0) await opened.check?.()
        const tookMs = (micros * contender.records * entrant.repeats) / 1_000
        if (contender.afresh !== true && slices === undefined)
          entrant.repeats = Math.max(1, Math.ceil((entrant.repeats * runMs) / Math.max(tookMs, 0.001)))
      })
    }
  }
}

/** Does one thing with a contender that is open. */
async function once(entrant: Entrant, what: (opened: Opened) => Promise<void>): Promise<void> {
  const { contender } = entrant
  if (contender.afresh !== true) {
    entrant.opened ??= await contender.open()
    await what(entrant.opened)
    return
  }
  const opened = await contender.open()
  try {
    await what(opened)
  } finally {
    await opened.close?.()
  }
}

interface Times {
  micros: number
  threadMicros: number
  cpu: number
}

/** Microseconds a record: by the clock, of the thread, and of all cores. */
async function timed(opened: Opened, { repeats, contender, slices }: Entrant): Promise<Times> {
  if (slices === undefined) collectGarbage()
  opened.begin?.()
  const threadBegan = threadMs()
  const began = performance.now()
  const usedBefore = process.cpuUsage()
  await repeat(opened, repeats)
  const ms = performance.now() - began
  const thread = threadMs() - threadBegan
  const { user, system } = process.cpuUsage(usedBefore)
  const records = repeats * contender.records
  return { micros: (ms * 1_000) / records, threadMicros: (thread * 1_000) / records, cpu: (user + system) / records }
}

async function repeat(opened: Opened, repeats: number): Promise<void> {
  for (let i = 0; i < repeats; i++) {
    const working = opened.work()
    if (working !== undefined) await working
  }
}

function rowOf({ contender, micros, threadMicros, cpu, bytesPerRecord, parts }: Entrant, baseline: Entrant): Row {
  const ratios = micros.map((own, round) => own / (baseline.micros[round] as number))
  const cpuRatios = cpu.map((own, round) => own / (baseline.cpu[round] as number))
  return {
    name: contender.name,
    says: contender.says,
    micros: summarise(micros),
    threadMicros: summarise(threadMicros),
    timeRatio: summarise(ratios),
    cpuRatio: { median: summarise(cpuRatios).median, upperLimit: upperLimitOfMedian(cpuRatios) },
    bytesPerRecord,
    ...(parts !== undefined && { parts }),
  }
}
