import { describeValue, isObject, namesOf, numberProblem, unknownNames } from '@millrace/core'
import { TABLE_PRESETS } from './presets.ts'
import type { SinkSettings } from './sink-options.ts'
import { TABLE_STRATEGIES, type TableOptions } from './table-options.ts'

const SETTING_NAMES = namesOf<SinkSettings>({
  enabled: true,
  adaptiveOptimization: true,
  defaultBatchSize: true,
  defaultBatchTimeMs: true,
  maxMemoryMb: true,
  maxConcurrentInserts: true,
  directFallback: true,
  insertTimeoutMs: true,
  closeTimeoutMs: true,
  tables: true,
})

const TABLE_NAMES = namesOf<TableOptions>({
  preset: true,
  enabled: true,
  strategy: true,
  batchSize: true,
  batchTimeMs: true,
  batchBytes: true,
  maxWaitMs: true,
  targetLatencyMs: true,
  priority: true,
  retries: true,
  compression: true,
  maxMemoryMb: true,
  ordered: true,
  id: true,
  statement: true,
})

const SETTING_RANGES = {
  defaultBatchSize: { min: 1, max: 1_000_000 },
  defaultBatchTimeMs: { min: 0 },
  maxMemoryMb: { min: 1 },
  maxConcurrentInserts: { min: 1, max: 1_000 },
  insertTimeoutMs: { min: 1 },
  closeTimeoutMs: { min: 0 },
} as const

const TABLE_RANGES = {
  batchSize: { min: 1, max: 1_000_000 },
  batchTimeMs: { min: 0 },
  batchBytes: { min: 1 },
  maxWaitMs: { min: 1 },
  targetLatencyMs: { min: 1 },
  priority: { min: 1, max: 10 },
  retries: { min: 0 },
  maxMemoryMb: { min: 1 },
} as const

/** What is wrong with settings, one sentence each; `where` names them: `''`, or the file. */
export function settingProblems(settings: object, where: string): string[] {
  const named = (name: string) => `${where}${name}`
  const given = settings as Readonly<Record<string, unknown>>
  const problems = unknownNames(named, settings, SETTING_NAMES)
  problems.push(...numberProblems(given, SETTING_RANGES, named))
  problems.push(...flagProblems(given, ['enabled', 'adaptiveOptimization', 'directFallback'], named))
  const { tables } = given
  if (tables === undefined) return problems
  if (!isObject(tables)) return [...problems, `${named('tables')} is ${describeValue(tables)}; use an object with options for each table.`]
  for (const [name, options] of Object.entries(tables)) problems.push(...tableProblems(named(`tables.${name}`), options))
  return problems
}

function tableProblems(who: string, options: unknown): string[] {
  if (!isObject(options)) return [`${who} is ${describeValue(options)}; use an object, such as {}.`]
  const given = options as Readonly<Record<string, unknown>>
  const named = (name: string) => `${who}.${name}`
  const problems = unknownNames(named, given, TABLE_NAMES)
  problems.push(...numberProblems(given, TABLE_RANGES, named), ...flagProblems(given, ['enabled', 'compression', 'ordered'], named))
  problems.push(...choiceProblems(named('preset'), given['preset'], Object.keys(TABLE_PRESETS)))
  problems.push(...choiceProblems(named('strategy'), given['strategy'], TABLE_STRATEGIES))
  const { statement, id } = given
  if (statement !== undefined && (typeof statement !== 'string' || statement.trim() === ''))
    problems.push(`${named('statement')} is ${describeValue(statement)}; use an INSERT statement.`)
  const columns = typeof id === 'string' ? [id] : (id ?? ['id'])
  if (!Array.isArray(columns) || columns.length === 0 || columns.some((column) => typeof column !== 'string' || column === ''))
    problems.push(`${named('id')} is ${describeValue(id)}; use the name of a column, or a list of names.`)
  return problems
}

function numberProblems(
  given: Readonly<Record<string, unknown>>,
  ranges: Readonly<Record<string, { readonly min: number; readonly max?: number }>>,
  named: (name: string) => string,
): string[] {
  return Object.entries(ranges).flatMap(([name, range]) =>
    given[name] === undefined ? [] : (numberProblem(named(name), given[name], range) ?? []),
  )
}

function flagProblems(given: Readonly<Record<string, unknown>>, names: readonly string[], named: (name: string) => string): string[] {
  return names.flatMap((name) =>
    given[name] === undefined || typeof given[name] === 'boolean'
      ? []
      : [`${named(name)} is ${describeValue(given[name])}; use true or false.`],
  )
}

function choiceProblems(who: string, value: unknown, choices: readonly string[]): string[] {
  if (value === undefined || choices.includes(value as string)) return []
  return [`${who} is ${describeValue(value)}; use ${choices.join(', ')}.`]
}
