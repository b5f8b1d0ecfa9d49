import { DEFAULT_BATCH_POLICY, definedOnly, failureProblems, resolveFailureOptions, wrongOptions } from '@millrace/core'
import { TABLE_PRESETS } from './presets.ts'
import { settingProblems } from './setting-problems.ts'
import { settingsFile } from './settings-file.ts'
import { sinkEnvironment, variableOf } from './sink-environment.ts'
import type { BulkSinkOptions, ResolvedSettings, ResolvedSink, SinkSettings } from './sink-options.ts'
import type { ResolvedTable, TableOptions } from './table-options.ts'

const RETRY = { initialDelayMs: 100, maxDelayMs: 5_000 } as const
const BREAKER = { threshold: 0.5, window: 10, minimum: 3, openMs: 5_000 } as const

const DEFAULTS = {
  enabled: true,
  adaptiveOptimization: false,
  defaultBatchSize: 1_000,
  defaultBatchTimeMs: 2_000,
  maxMemoryMb: 50,
  maxConcurrentInserts: 4,
  directFallback: true,
  insertTimeoutMs: 30_000,
  closeTimeoutMs: 30_000,
} as const

const TABLE_DEFAULTS = {
  enabled: true,
  strategy: 'hybrid',
  batchBytes: 10_485_760,
  maxWaitMs: 30_000,
  targetLatencyMs: 500,
  priority: 5,
  retries: DEFAULT_BATCH_POLICY.maxRetries,
  compression: false,
  ordered: false,
  maxMemoryMb: 10,
} as const

/** Options with every default: code over environment over file. Throws a `TypeError` that lists everything that is wrong, with what `more` says. */
export function resolveSink(options: BulkSinkOptions, more: readonly string[] = []): ResolvedSink {
  const { driver, configFile, environment = process.env, retry, circuitBreaker, afterInsert, logger, clock, ...code } = options
  void [logger, clock]
  const file = configFile === undefined ? {} : settingsFile(configFile)
  const variables = sinkEnvironment(environment)
  const problems = [
    ...settingProblems(code, ''),
    ...settingProblems(variables, '').map((problem) => problem.replace(/^\w+/, variableOf)),
    ...settingProblems(file, configFile === undefined ? '' : `${configFile}: `),
  ]
  problems.push(...more)
  if (typeof driver !== 'function') problems.push('driver is missing; give one, such as postgres({ url }).')
  if (afterInsert !== undefined && typeof afterInsert !== 'function') problems.push('afterInsert is no function.')
  const failure = { retry: { ...RETRY, ...definedOnly(retry ?? {}) }, circuitBreaker: { ...BREAKER, ...definedOnly(circuitBreaker ?? {}) } }
  problems.push(...failureProblems('sink', failure))
  const given: SinkSettings = {
    ...definedOnly(file),
    ...variables,
    ...definedOnly(code),
    tables: mergeTables(file.tables, code.tables),
  }
  if (Object.keys(given.tables ?? {}).length === 0) problems.push('tables names no table; give options, such as {}, for each.')
  if (problems.length > 0) throw wrongOptions('The options of a bulk sink are wrong', problems)
  const resolved = resolveFailureOptions(failure)
  return {
    given,
    settings: resolveSettings(given),
    retry: resolved.retry,
    circuitBreaker: resolved.circuitBreaker as ResolvedSink['circuitBreaker'],
  }
}

/** Settings with a change laid over them, which was not given before what it names. Throws a `TypeError` that lists everything that is wrong. */
export function changeSettings(
  given: SinkSettings,
  change: SinkSettings,
): { readonly given: SinkSettings; readonly settings: ResolvedSettings } {
  const problems = settingProblems(change, '')
  if (problems.length > 0) throw wrongOptions('A bulk sink can not be changed', problems)
  const changed = { ...given, ...definedOnly(change), tables: mergeTables(given.tables, change.tables) }
  return { given: changed, settings: resolveSettings(changed) }
}

function mergeTables(...all: (SinkSettings['tables'] | undefined)[]): Readonly<Record<string, TableOptions>> {
  const merged: Record<string, TableOptions> = {}
  for (const tables of all)
    for (const [name, options] of Object.entries(tables ?? {})) merged[name] = { ...merged[name], ...definedOnly(options) }
  return merged
}

function resolveSettings(given: SinkSettings): ResolvedSettings {
  const { tables = {}, ...rest } = given
  const settings = { ...DEFAULTS, ...definedOnly(rest) }
  return { ...settings, tables: new Map(Object.entries(tables).map(([name, options]) => [name, resolveTable(options, settings)])) }
}

function resolveTable(options: TableOptions, settings: Omit<ResolvedSettings, 'tables'>): ResolvedTable {
  const { preset, id, ...own } = options
  const sizes = { batchSize: settings.defaultBatchSize, batchTimeMs: settings.defaultBatchTimeMs }
  const { statement, ...table } = {
    ...TABLE_DEFAULTS,
    ...sizes,
    ...(preset && TABLE_PRESETS[preset]),
    ...definedOnly(own),
  } as ResolvedTable
  return { ...table, enabled: table.enabled && settings.enabled, statement, id: typeof id === 'string' ? [id] : (id ?? []) }
}
