import type { AppDefinition } from '@millrace/core'
import type { ProgramConfig } from './program-config.ts'
import { definitionOf } from './run-millrace.ts'

/** Where threads, which have no arguments, find the configuration. */
export const CONFIG_VARIABLE = 'MILLRACE_BENCH_CONFIG'

/** What each thread loads. */
export function threadedApp(): AppDefinition {
  return definitionOf(JSON.parse(String(process.env[CONFIG_VARIABLE])) as ProgramConfig, OWN_CLIENT)
}

/** Millrace on its own client. */
export const OWN_CLIENT = { processors: 'batch', store: 'leveldb', client: 'packed' } as const
