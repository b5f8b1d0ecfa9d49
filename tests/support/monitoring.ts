import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parser } from '@prometheus-io/lezer-promql'
import { parse } from 'yaml'

/** One line of a scrape. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Which series an expression asks for. */
export interface Selector {
  readonly text: string
  readonly name: string
  readonly labels: readonly { readonly name: string; readonly operator: string; readonly value: string }[]
}

/** What is scraped, as Prometheus reads it. */
export function samplesIn(scrape: string): Sample[] {
  return scrape.split('\n').flatMap((line) => {
    const [, name = '', labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (value === undefined) return []
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', text = '']) => [label, text] as const)
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
  })
}

/** All expressions of the alert rules and of the dashboard for Grafana, for one application. */
export function monitoringExpressions(application: string): string[] {
  const read = (name: string) => readFileSync(fileURLToPath(new URL(`../../docs/monitoring/${name}`, import.meta.url)), 'utf8')
  const rules = parse(read('alert-rules.yml')) as { groups: { rules: { expr: string }[] }[] }
  const { panels } = JSON.parse(read('grafana-dashboard.json')) as { panels: { targets?: { expr: string }[] }[] }
  const expressions = [...rules.groups.flatMap((group) => group.rules), ...panels.flatMap(({ targets = [] }) => targets)]
  return expressions.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$application', application))
}

export function selectorsIn(expression: string): Selector[] {
  const found: Selector[] = []
  parser.parse(expression).iterate({
    enter({ name, from, to }) {
      if (name !== 'VectorSelector') return
      const text = expression.slice(from, to)
      const labels = [...text.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)]
      found.push({
        text,
        name: /^\w+/.exec(text)?.[0] ?? '',
        labels: labels.map(([, label = '', operator = '', value = '']) => ({ name: label, operator, value })),
      })
    },
  })
  return found
}

/** What expressions ask for, and is not in what was scraped: series, and labels by which they group or on which they match. */
export function missingIn(expressions: readonly string[], scraped: readonly Sample[]): string[] {
  return expressions.flatMap((expression) => {
    const selectors = selectorsIn(expression).map((selector) => ({
      selector,
      found: scraped.filter((sample) => selects(selector, sample)),
    }))
    const labels = new Set(['instance', ...selectors.flatMap(({ found }) => found.flatMap((sample) => Object.keys(sample.labels)))])
    return [
      ...selectors.flatMap(({ selector, found }) => (found.length === 0 ? [`no series of ${selector.text}`] : [])),
      ...groupingIn(expression).flatMap((label) => (labels.has(label) ? [] : [`no label ${label} for ${expression}`])),
    ]
  })
}

/** Whether an expression asks for worker threads, which not every application has. */
export function isOfThreads(expression: string): boolean {
  return expression.includes('millrace_thread')
}

/** The labels by which an expression groups, and on which it matches. */
function groupingIn(expression: string): string[] {
  return [...expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(', '))
}

function selects({ name, labels }: Selector, sample: Sample): boolean {
  return (
    name === sample.name &&
    labels.every(({ name: label, operator, value }) => {
      const own = sample.labels[label] ?? ''
      const isLike = operator.endsWith('~') ? new RegExp(`^(?:${value})$`).test(own) : own === value
      return operator.startsWith('!') ? !isLike : isLike
    })
  )
}
