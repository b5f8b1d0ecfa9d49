import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import {
  type AppDefinition,
  type Clock,
  deferred,
  type ResolvedThreads,
  type RuntimeEvent,
  silentLogger,
  systemClock,
  type Topology,
} from '@millrace/core'
import type { MemoryTransport } from '@millrace/transport-memory'
import { onTestFinished } from 'vitest'
import { resolveDefinition } from '../../../src/app/resolve-definition.ts'
import { acquireSlot } from '../../../src/app/state-slot.ts'
import { planTopics } from '../../../src/app/topic-plan.ts'
import type { StartedThread } from '../../../src/threads/app-thread.ts'
import { PLAIN_OPTIONS, type ThreadStart } from '../../../src/threads/messages.ts'
import { serveApp } from '../../../src/threads/serve-app.ts'
import { ThreadedApp } from '../../../src/threads/threaded-app.ts'

export interface HereOptions {
  readonly topology: Topology
  readonly transport: MemoryTransport
  readonly threads?: Partial<ResolvedThreads>
  readonly clock?: Clock
  readonly definition?: Partial<AppDefinition>
  /** In place of what runs the application: a thread that does otherwise. */
  readonly startThread?: (number: number, usual: () => StartedThread) => StartedThread
}

/**
 * An application in "threads" that are all in this one, on the same embedded log: everything is real but for the workers. They say what they have
 * to say to each other through channels, as others do.
 */
export async function startHere(options: HereOptions) {
  const { topology, transport, threads, clock = systemClock, definition: more, startThread } = options
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-threads-'))
  const events: RuntimeEvent[] = []
  const given: AppDefinition = {
    ...{ topology, applicationId: 'threaded', transport, stateDir, clock, logger: silentLogger, batch: { timeoutMs: 5 } },
    ...more,
  }
  const resolved = resolveDefinition({ observer: (event) => events.push(event), ...given })
  const definition = { ...resolved, threads: { ...resolved.threads, count: 2, ...threads } }
  const context = { logger: silentLogger }
  const admin = await transport.openAdmin(context)
  const plan = await planTopics(topology, definition, admin, silentLogger)
  const slot = await acquireSlot(stateDir, definition.applicationId)
  const usual = (number: number): StartedThread => {
    const { port1, port2 } = new MessageChannel()
    const gone = deferred<Error>()
    const start: ThreadStart = {
      number,
      count: definition.threads.count,
      options: Object.fromEntries(PLAIN_OPTIONS.map((name) => [name, given[name]])) as ThreadStart['options'],
      topology: topology.describe(),
      transport: transport.name,
      traced: false,
      slot,
      observed: true,
    }
    void serveApp(port2, start, async () => given)
    const terminate = async () => gone.resolve(new Error(`thread ${number} was ended`))
    return { channel: port1, gone: gone.promise, terminate, utilization: () => 0.5 }
  }
  const app = await ThreadedApp.open({
    ...{ definition, context, admin, plan, slot },
    startThread: (number) => startThread?.(number, () => usual(number)) ?? usual(number),
  })
  onTestFinished(async () => {
    await app.close().catch(() => undefined)
    await rm(stateDir, { recursive: true, force: true })
  })
  return { app, events, stateDir, admin }
}
