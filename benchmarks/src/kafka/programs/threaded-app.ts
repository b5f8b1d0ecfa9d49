import type { AppDefinition } from '@millrace/core'
import type { ProgramConfig } from './program-config.ts'
import { definitionOf } from './run-millrace.ts'

/** Where threads, which have no arguments, find the configuration. */
export const CONFIG_VARIABLE = 'MILLRACE_BENCH_CONFIG'

/** What each thread loads. */
export function threadedApp(): AppDefinition {
  return definitionOf(JSON.parse(String(process.env[CONFIG_VARIABLE])) as ProgramConfig, THREADED)
}

/** In so many threads as the program says. */
export const THREADED = { processors: 'batch', store: 'leveldb', client: 'packed' } as const
