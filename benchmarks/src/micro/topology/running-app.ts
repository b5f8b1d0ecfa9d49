import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type AppDefinition, silentLogger, type Topology } from '@millrace/core'
import { type App, start } from '@millrace/runtime'
import { observed, type TelemetryOptions } from '@millrace/telemetry'
import { APPLICATION, COMMIT_RECORDS, type Surroundings } from './workload.ts'

/** Long enough not to be what cuts batches or commits. */
const NEVER_MS = 600_000

export interface RunningApp extends AsyncDisposable {
  readonly app: App
  /** Of one that is observed: as Prometheus reads them. */
  readonly metrics: (() => Promise<string>) | undefined
}

/** What differs between applications, besides their topologies. */
export type AppSettings = Pick<AppDefinition, 'batch' | 'failure'> & {
  /** Absent: nobody looks. */
  readonly telemetry?: TelemetryOptions
}

/** Batches of `size` records. What is there is handed on at once: the last batch is not to wait for company. */
export function batchesOf(size: number): AppSettings {
  return { batch: { size, timeoutMs: 0, maxBytes: 67_108_864 } }
}

/** Starts an application on an empty input; resolves when it reads. */
export async function runApp(
  parent: string,
  { transport }: Surroundings,
  topology: Topology,
  { telemetry, ...settings }: AppSettings,
): Promise<RunningApp> {
  const stateDir = await mkdtemp(join(parent, 'app-'))
  const definition: AppDefinition = {
    topology,
    transport,
    applicationId: APPLICATION,
    stateDir,
    logger: silentLogger,
    ...settings,
    commit: { intervalMs: NEVER_MS, records: COMMIT_RECORDS },
  }
  const observing = telemetry === undefined ? undefined : observed(definition, telemetry)
  const app = await start(observing?.definition ?? definition)
  await observing?.attach(app)
  const running = app.run()
  running.catch(() => undefined)
  await Promise.race([app.idle(), running])
  return {
    app,
    metrics: observing && (() => observing.metrics()),
    async [Symbol.asyncDispose]() {
      await app.close()
      await observing?.close()
      await rm(stateDir, { recursive: true, force: true })
    },
  }
}
