import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger, type Topology } from '@millrace/core'
import { type App, start } from '@millrace/runtime'
import { APPLICATION, COMMIT_RECORDS, type Surroundings } from './workload.ts'

/** Long enough not to be what cuts batches or commits. */
const NEVER_MS = 600_000

export interface RunningApp extends AsyncDisposable {
  readonly app: App
}

/** Starts an application on an empty input; resolves when it reads. */
export async function runApp(parent: string, { transport }: Surroundings, topology: Topology, batchSize: number): Promise<RunningApp> {
  const stateDir = await mkdtemp(join(parent, 'app-'))
  const app = await start({
    topology,
    transport,
    applicationId: APPLICATION,
    stateDir,
    logger: silentLogger,
    // What is there is handed on at once: the last batch is not to wait for company.
    batch: { size: batchSize, timeoutMs: 0, maxBytes: 67_108_864 },
    commit: { intervalMs: NEVER_MS, records: COMMIT_RECORDS },
  })
  const running = app.run()
  running.catch(() => undefined)
  await Promise.race([app.idle(), running])
  return {
    app,
    async [Symbol.asyncDispose]() {
      await app.close()
      await rm(stateDir, { recursive: true, force: true })
    },
  }
}
