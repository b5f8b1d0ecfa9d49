import type { AppDefinition, Logger, TransportContext } from '@millrace/core'
import { pino } from 'pino'
import { App } from './app.ts'
import { handleSignals } from './signals.ts'
import { resolveDefinition } from './resolve-definition.ts'
import { acquireSlot } from './state-slot.ts'
import { planTopics } from './topic-plan.ts'

/**
 * Checks the definition, connects, looks up and creates topics, and takes a state folder. The application processes nothing before `run`.
 *
 * Rejects with a `TypeError` that lists every bad option, or a `MillraceError` (`TOPIC_MISSING`, `NOT_CO_PARTITIONED`, `TOPIC_SETTINGS`, `STATE_FOLDER`, or what
 * the transport reports).
 */
export async function start(definition: AppDefinition): Promise<App> {
  const resolved = resolveDefinition(definition)
  const logger: Logger = resolved.logger ?? pino({ level: 'info', base: { application: resolved.applicationId } }, pino.destination(2))
  const context: TransportContext = { logger }
  const admin = await resolved.transport.openAdmin(context)
  try {
    const plan = await planTopics(resolved.topology, resolved, admin, logger)
    const slot = await acquireSlot(resolved.stateDir, resolved.applicationId)
    const app = new App({ definition: resolved, context, admin, plan, slot })
    if (resolved.handleSignals) handleSignals(app, logger)
    return app
  } catch (error) {
    await admin.close().catch(() => undefined)
    throw error
  }
}
