import type { AppDefinition, Logger, TransportContext } from '@millrace/core'
import { pino } from 'pino'
import { PLAIN_OPTIONS, type ThreadStart } from '../threads/messages.ts'
import { ThreadedApp, type ThreadedParts } from '../threads/threaded-app.ts'
import { isAppThread, startWorker } from '../threads/worker-thread.ts'
import type { App } from './app-api.ts'
import { LocalApp } from './local-app.ts'
import { handleSignals } from './signals.ts'
import { resolveDefinition } from './resolve-definition.ts'
import { acquireSlot } from './state-slot.ts'
import { planTopics } from './topic-plan.ts'

/**
 * Checks the definition, connects, looks up and creates topics, takes a state folder, and starts worker threads if there are to be any. The application processes
 * nothing before `run`.
 *
 * Rejects with a `TypeError` that lists every bad option, or a `MillraceError` (`TOPIC_MISSING`, `NOT_CO_PARTITIONED`, `TOPIC_SETTINGS`, `STATE_FOLDER`, or what
 * the transport reports; with threads, `MODULE_NOT_LOADED` and `THREAD_DIED`).
 */
export async function start(definition: AppDefinition): Promise<App> {
  if (isAppThread())
    throw new TypeError(
      'A thread of an application loads a module that starts one: let that module export the definition, and start it in another.',
    )
  const resolved = resolveDefinition(definition)
  const logger: Logger = resolved.logger ?? pino({ level: 'info', base: { application: resolved.applicationId } }, pino.destination(2))
  const context: TransportContext = { logger }
  const admin = await resolved.transport.openAdmin(context)
  try {
    const plan = await planTopics(resolved.topology, resolved, admin, logger)
    const slot = await acquireSlot(resolved.stateDir, resolved.applicationId)
    const parts = { definition: resolved, context, admin, plan, slot }
    const app = resolved.threads.count === 1 ? new LocalApp(parts) : await inThreads(parts, definition)
    if (resolved.handleSignals) handleSignals(app, logger)
    return app
  } catch (error) {
    await admin.close().catch(() => undefined)
    throw error
  }
}

async function inThreads(parts: Omit<ThreadedParts, 'startThread'>, given: AppDefinition): Promise<App> {
  const { definition, slot } = parts
  const start: Omit<ThreadStart, 'number'> = {
    count: definition.threads.count,
    options: Object.fromEntries(PLAIN_OPTIONS.map((name) => [name, given[name]])) as ThreadStart['options'],
    topology: definition.topology.describe(),
    transport: definition.transport.name,
    traced: definition.tracer !== undefined,
    slot: { folder: slot.folder, processId: slot.processId },
    observed: definition.observer !== undefined,
  }
  try {
    return await ThreadedApp.open({ ...parts, startThread: (number) => startWorker(definition.threads, { ...start, number }) })
  } catch (error) {
    await slot.release()
    throw error
  }
}
