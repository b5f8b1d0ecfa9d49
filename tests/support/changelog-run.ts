import { type App, type AppDefinition, defineApp, silentLogger, start } from 'millrace'
import { memory, type MemoryOperation } from 'millrace/memory'
import { LogClient } from './log-client.ts'
import { temporaryFolder } from './temporary-folder.ts'

export const applicationId = 'options'

/** An embedded log with topics `words` and `totals`, and applications on it; what was asked of it is noted. */
export async function changelogRun() {
  const folder = await temporaryFolder()
  const operations: MemoryOperation[] = []
  const faults: Record<'before' | 'after', (operation: MemoryOperation) => void | Promise<void>> = {
    before: () => undefined,
    after: () => undefined,
  }
  const transport = memory({
    faults: {
      before: (operation) => {
        operations.push(operation)
        return faults.before(operation)
      },
      after: (operation) => faults.after(operation),
    },
  })
  const log = await LogClient.open(transport)
  await log.createTopics({ words: 1, totals: 1 })
  return {
    folder: folder.path,
    log,
    operations,
    fails: (when: 'before' | 'after', fault: (operation: MemoryOperation) => void) => {
      faults[when] = fault
    },
    open: (topology: AppDefinition['topology'], overrides: Partial<AppDefinition> = {}) =>
      start(
        defineApp({
          topology,
          applicationId,
          transport,
          stateDir: folder.path,
          logger: silentLogger,
          batch: { size: 20, timeoutMs: 1 },
          commit: { intervalMs: 10 },
          ...overrides,
        }),
      ),
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Runs until all is done. */
export async function finish(app: App): Promise<void> {
  const running = app.run()
  await app.caughtUp()
  await app.close()
  await running
}

/** The same, and does something before the end. */
export async function whileRunning<T>(app: App, work: () => Promise<T>): Promise<T> {
  const running = app.run()
  await app.caughtUp()
  await app.idle()
  const result = await work()
  await app.close()
  await running
  return result
}
