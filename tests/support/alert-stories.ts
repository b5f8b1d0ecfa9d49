import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { run } from '../../tools/run.mjs'
import { findPromtool, promtoolAdvice } from '../../tools/setup/promtool.mjs'
import { type Sample, selectorsIn } from './monitoring.ts'

/** What a process told at one moment. */
export interface Scrape {
  /** Seconds since 1970. */
  readonly at: number
  readonly samples: readonly Sample[]
}

export async function scrapeOf(of: { readonly scrape: () => Promise<readonly Sample[]> }): Promise<Scrape> {
  const samples = await of.scrape()
  return { at: Date.now() / 1_000, samples }
}

/** What went on between two scrapes, taken to go on like that, a minute each time. */
export interface Phase {
  readonly from: Scrape
  readonly to: Scrape
  readonly minutes: number
}

/** What Prometheus sees of one process, and which alerts fire at its end: these and no others. */
export interface Story {
  readonly phases: readonly Phase[]
  /** Then it is not seen any more, for so long. Default: 0. */
  readonly goneMinutes?: number
  readonly alerts: readonly { readonly alert: string; readonly labels: Readonly<Record<string, string>> }[]
}

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: { readonly summary: string }
}

const RULES = fileURLToPath(new URL('../../docs/monitoring/alert-rules.yml', import.meta.url))
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** What Prometheus adds to each series. */
export const OF_PROMETHEUS = { instance: 'shop:9464', job: 'shop' }

export const alertRules: readonly Rule[] = (
  parse(readFileSync(RULES, 'utf8')) as { groups: readonly { rules: readonly Rule[] }[] }
).groups.flatMap(({ rules }) => rules)
const asked = new Set(alertRules.flatMap(({ expr }) => selectorsIn(expr).map(({ name }) => name)))

/** Has Prometheus' own tester evaluate the rules over each story. Rejects with what it found wrong. */
export async function checkAlerts(stories: readonly Story[]): Promise<void> {
  const promtool = findPromtool({ root: ROOT, env: process.env })
  if (promtool === undefined) throw new Error(promtoolAdvice)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-alerts-'))
  try {
    const file = join(folder, 'stories.yml')
    // JSON is YAML, too.
    await writeFile(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: '1m', tests: stories.map(testOf) }))
    const { code, output } = await run(promtool, ['test', 'rules', file])
    if (code !== 0) throw new Error(output)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function testOf(story: Story): object {
  const { phases, goneMinutes = 0, alerts } = story
  const last = phases.reduce((sum, { minutes }) => sum + minutes, goneMinutes) - 1
  return {
    name: `what should fire: ${alerts.map(({ alert }) => alert).join(', ')}`,
    interval: '1m',
    input_series: [...seriesOf(story)].map(([series, values]) => ({ series, values: values.join(' ') })),
    alert_rule_test: alertRules.map(({ alert, labels, annotations }) => ({
      eval_time: `${last}m`,
      alertname: alert,
      exp_alerts: alerts
        .filter((one) => one.alert === alert)
        .map((one) => ({
          exp_labels: { ...labels, ...one.labels },
          exp_annotations: {
            summary: annotations.summary.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => one.labels[label] ?? ''),
          },
        })),
    })),
  }
}

/** By series, a value for each minute. */
function seriesOf({ phases, goneMinutes = 0 }: Story): ReadonlyMap<string, readonly (number | string)[]> {
  const all = new Map<string, (number | string)[]>()
  /** Of counters, what the last value that was told has come to. */
  const counted = new Map<string, { readonly told: number; readonly shown: number }>()
  let begin = 0
  for (const { from, to, minutes } of phases) {
    const [before, after] = [byKey(from), byKey(to)]
    for (const [key, { name, value: end }] of after) {
      const start = before.get(key)?.value
      const values = all.get(key) ?? []
      all.set(key, values)
      while (values.length < begin) values.push('_')
      const { told = start ?? end, shown = start ?? end } = counted.get(key) ?? {}
      const first = shown + (start ?? end) - told
      const step = end - (start ?? end)
      for (let k = 0; k < minutes; k++) values.push(valueAt({ name, start, end, first, step, k, from, to, begin }))
      counted.set(key, { told: end, shown: first + step * (minutes - 1) })
    }
    begin += minutes
    for (const values of all.values()) end(values, begin)
  }
  for (const values of all.values()) end(values, begin + goneMinutes)
  return all
}

interface At {
  readonly name: string
  readonly start: number | undefined
  readonly end: number
  readonly first: number
  readonly step: number
  /** Minutes into the phase, which began at `begin`. */
  readonly k: number
  readonly begin: number
  readonly from: Scrape
  readonly to: Scrape
}

function valueAt({ name, start, end, first, step, k, begin, from, to }: At): number {
  // Time begins at 0 there. What did not move stands still.
  if (name.endsWith('_timestamp_seconds')) return start === end ? begin * 60 - (from.at - end) : (begin + k) * 60 - (to.at - end)
  if (/_(total|count|sum|bucket)$/.test(name)) return first + step * k
  return name === 'millrace_lag_records' ? (start ?? end) + step * k : end
}

/** A series that is not told any more has ended, for Prometheus. */
function end(values: (number | string)[], length: number): void {
  while (values.length < length) values.push(typeof values.at(-1) === 'number' ? 'stale' : '_')
}

function byKey({ samples }: Scrape): ReadonlyMap<string, Sample> {
  const entries = samples.flatMap((sample): [string, Sample][] => {
    if (!asked.has(sample.name)) return []
    const labels = Object.entries({ ...sample.labels, ...OF_PROMETHEUS }).map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    return [[`${sample.name}{${labels.join(',')}}`, sample]]
  })
  return new Map(entries)
}
