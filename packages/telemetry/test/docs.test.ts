import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parser } from '@prometheus-io/lezer-promql'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { CATALOGUE } from '../src/metrics/catalogue.ts'
import { Recorder } from '../src/metrics/recorder.ts'

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../../docs/${path}`, import.meta.url)), 'utf8')

/** What a registry holds, with the names under which Prometheus shows histograms, and their labels. */
const known = new Map(
  Object.values(CATALOGUE).flatMap(({ name, kind, labels }): [string, readonly string[]][] =>
    kind === 'histogram'
      ? [[`${name}_sum`, labels], [`${name}_count`, labels], [`${name}_bucket`, [...labels, 'le']]] // prettier-ignore
      : [[name, labels]],
  ),
)
/** Prometheus adds these itself. */
const OF_PROMETHEUS = ['instance', 'job', 'le']

/** What is wrong with an expression: its grammar, metrics that there are not, labels that none of its metrics has. */
function wrongWith(expression: string): string[] {
  const text = expression.replaceAll('$__rate_interval', '5m').replaceAll('$application', 'a')
  const metrics: string[] = []
  const labels: string[] = []
  const wrong: string[] = []
  parser.parse(text).iterate({
    enter({ name, from, to, type }) {
      const word = text.slice(from, to)
      if (type.isError) wrong.push(`no PromQL at ${from}: ${text}`)
      if (name === 'VectorSelector') metrics.push(/^\w+/.exec(word)?.[0] ?? '')
      if (name === 'LabelName') labels.push(word)
    },
  })
  if (metrics.length === 0) wrong.push(`asks for no metric: ${text}`)
  wrong.push(...metrics.filter((name) => !known.has(name)).map((name) => `no metric ${name}`))
  const theirs = new Set([...OF_PROMETHEUS, ...metrics.flatMap((name) => known.get(name) ?? [])])
  return [...wrong, ...labels.filter((label) => !theirs.has(label)).map((label) => `no label ${label} in ${text}`)]
}

test('docs/telemetry.md lists every metric, as it is', () => {
  const rows = Object.values(CATALOGUE).map(({ name, kind, labels, help }) => {
    const own = labels.slice(1).map((label) => `\`${label}\``)
    return `| \`${name}\` | ${kind} | ${own.join(', ')} | ${help} |`
  })
  const table = ['| metric | kind | labels | |', '|---|---|---|---|', ...rows].join('\n')
  const [, written] = /<!-- metrics -->\n([^]*?)\n<!-- \/metrics -->/.exec(read('telemetry.md')) ?? []
  expect(written).toBe(table)
})

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string; readonly annotations: object }[] }[]
}
const rules = (parse(read('monitoring/alert-rules.yml')) as Rules).groups.flatMap((group) => group.rules)

describe('what is asked of Prometheus exists', () => {
  test('in the alert rules', () => {
    expect(rules.length).toBeGreaterThan(10)
    expect(rules.flatMap(({ expr }) => wrongWith(expr))).toEqual([])
    expect(rules.filter(({ annotations }) => Object.keys(annotations).join() !== 'summary')).toEqual([])
  })

  test('in the alert rules before anything happens, where that nothing happens, or that something does once, is what they tell', () => {
    const places = { topics: ['in'], of: () => [{ stage: 'process', node: 'count' }] as const }
    const recorder = new Recorder({ application: 'app', compatible: undefined, storesOf: () => [], places })
    // Where there are threads, each says first that it has begun.
    recorder.observe({ type: 'thread', stage: 'process', thread: 1, phase: 'started' })
    const there = new Set(recorder.all.filter((family) => [...family.all].length > 0).map(({ definition }) => definition.name))
    const asked = rules.flatMap(({ expr }) => [
      ...expr.matchAll(/increase\((\w+)/g),
      ...expr.matchAll(/(?:rate|increase)\((\w+)[^()]*\)\) == 0/g),
    ])
    const names = asked.map(([, name = '']) => name.replace(/_(count|sum|bucket)$/, ''))
    expect(names).toContain('millrace_commit_seconds')
    expect(names.filter((name) => !there.has(name))).toEqual([])
  })

  test('in the Grafana dashboard', () => {
    interface Dashboard {
      readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[]
    }
    const { panels } = JSON.parse(read('monitoring/grafana-dashboard.json')) as Dashboard
    const asked = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    expect(asked.length).toBeGreaterThan(20)
    expect(asked.flatMap(wrongWith)).toEqual([])
    // Of one partition that is stuck the sum says little.
    expect(asked.filter((expression) => /by \(topic, partition\) \(millrace_lag_records/.test(expression))).toHaveLength(1)
  })

  test('and what does not is found', () => {
    expect(wrongWith('sum(rate(millrace_recods_total[5m]))')).toEqual(['no metric millrace_recods_total'])
    expect(wrongWith('sum by (nod) (millrace_records_total)')).toEqual(['no label nod in sum by (nod) (millrace_records_total)'])
    expect(wrongWith('sum(millrace_records_total')).not.toEqual([])
    expect(wrongWith('1 + 1')).toHaveLength(1)
  })
})

test('metrics are named after the conventions of Prometheus', () => {
  for (const { name, kind, unit } of Object.values(CATALOGUE)) {
    expect(name).toMatch(/^millrace_[a-z0-9_]+$/)
    expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter'])
    expect([name, unit === 's', /_seconds(_total)?$/.test(name)]).toEqual([name, unit === 's', unit === 's'])
  }
})
