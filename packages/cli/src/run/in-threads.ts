import type { ThreadOptions } from '@millrace/core'
import type { LoadedApp } from '../load/load-app.ts'

/** Names the module, which each thread of the application loads for itself; `count`: in place of what it says itself. */
export function inThreads(file: string, { definition, telemetry }: LoadedApp, count: number | undefined): LoadedApp {
  const { threads } = definition
  const options: ThreadOptions = typeof threads === 'object' ? threads : { count: threads ?? 1 }
  return {
    definition: { ...definition, threads: { ...options, module: options.module ?? file, ...(count !== undefined && { count }) } },
    telemetry,
  }
}
