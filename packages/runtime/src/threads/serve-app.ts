import type { MessagePort } from 'node:worker_threads'
import { type AppDefinition, errorData, type Logger, MillraceError, type ResolvedDefinition, type TransportContext } from '@millrace/core'
import { LocalApp } from '../app/local-app.ts'
import { resolveDefinition, type RunnableDefinition } from '../app/resolve-definition.ts'
import type { StateSlot } from '../app/state-slot.ts'
import { planTopics } from '../app/topic-plan.ts'
import { NowAndThen } from '../internal/now-and-then.ts'
import type { MainCalls, MainNews, ThreadCalls, ThreadNews, ThreadStart } from './messages.ts'
import { type Answering, Port } from './port.ts'
import { processIdOf } from './process-id-of.ts'
import { EventRelay, relayedLogger } from './relayed-events.ts'
import { ServedStores } from './served-stores.ts'

/** How often a thread tells how it is. */
const BEAT_MS = 500

type ThreadPort = Port<MainCalls, ThreadNews, ThreadCalls, MainNews>

/** In a thread: its part of an application, for the thread that started it. Tells when it is ready, or why it never will be; never rejects. */
export async function serveApp(channel: MessagePort, start: ThreadStart, load: () => Promise<AppDefinition>): Promise<void> {
  const served = new ServedApp(channel, start)
  try {
    await served.open(await load())
  } catch (error) {
    served.tell({ type: 'not-started', error: errorData(error) })
  }
}

class ServedApp {
  readonly #start: ThreadStart
  readonly #port: ThreadPort
  readonly #logger: Logger
  #stores: ServedStores | undefined
  #app: LocalApp | undefined
  #relay: EventRelay | undefined
  #beats: NowAndThen | undefined
  /** At which the process can be asked for state. */
  #address: string | undefined
  #tickets = 0

  constructor(channel: MessagePort, start: ThreadStart) {
    this.#start = start
    this.#port = new Port(channel, { calls: this.#calls(), onNews: (news: MainNews) => this.#hear(news) })
    this.#logger = relayedLogger((news) => this.tell(news))
  }

  tell(news: ThreadNews): void {
    this.#port.tell(news)
  }

  async open(given: AppDefinition): Promise<void> {
    checkSame(given, this.#start)
    const { options, observed, count, slot } = this.#start
    const own = resolveDefinition({
      ...given,
      ...options,
      threads: undefined,
      handleSignals: false,
      logger: this.#logger,
      advertisedAddress: () => this.#address,
      ...(observed ? { observer: (event) => this.#relay?.observe(event) } : { observer: undefined }),
    })
    const definition = shareOf(own, count)
    this.#relay = new EventRelay((news) => this.tell(news), definition.clock)
    const context: TransportContext = { logger: this.#logger }
    const admin = await definition.transport.openAdmin(context)
    try {
      const plan = await planTopics(definition.topology, definition, admin, this.#logger)
      const thread = { number: this.#start.number, holdTask: this.#holdTask }
      const app = new LocalApp({ definition, context, admin, plan, slot: this.#ownSlot(slot), thread })
      this.#app = app
      this.#stores = new ServedStores(app, definition.topology.stores)
      app.onStateChange((state) => {
        this.#beat()
        this.tell({ type: 'state', state })
      })
    } catch (error) {
      await admin.close().catch(() => undefined)
      throw error
    }
    this.#beats = new NowAndThen(definition.clock, BEAT_MS, async () => this.#beat())
    this.#beats.start()
    this.tell({ type: 'ready' })
  }

  #ownSlot(slot: ThreadStart['slot']): StateSlot {
    const { folder } = slot
    return { folder, processId: processIdOf(slot, this.#start.number), clear: async () => undefined, release: async () => undefined }
  }

  #calls(): Answering<ThreadCalls> {
    const stores = (): ServedStores['calls'] => {
      if (this.#stores === undefined) throw notThere()
      return this.#stores.calls
    }
    return {
      run: async ({ address, changes }) => {
        this.#address = address
        for (const change of changes) this.#running.updateBatching(change)
        await this.#running.run().finally(() => this.#ended())
      },
      close: async () => {
        await this.#running.close().finally(() => this.#ended())
      },
      commit: () => this.#running.commit().finally(() => this.#tellAll()),
      advance: () => this.#running.advance(),
      persisted: () => this.#running.persisted().finally(() => this.#tellAll()),
      isIdle: async () => this.#running.isIdle(),
      lag: () => this.#running.inspect.lag(),
      stores: () => this.#running.inspect.stores(),
      lookUp: (request) => stores().lookUp(request),
      size: (request) => stores().size(request),
      rowsOfKeys: (request) => stores().rowsOfKeys(request),
      scan: (request) => stores().scan(request),
      scanOn: (scan) => stores().scanOn(scan),
    }
  }

  get #running(): LocalApp {
    if (this.#app === undefined) throw notThere()
    return this.#app
  }

  #hear(news: MainNews): void {
    if (news.type === 'leave-scan') this.#stores?.leave(news.scan)
    else this.#app?.updateBatching(news.change)
  }

  readonly #holdTask = async (task: string, signal: AbortSignal): Promise<() => void> => {
    const ticket = ++this.#tickets
    const letGo = () => this.tell({ type: 'let-go', ticket })
    signal.addEventListener('abort', letGo, { once: true })
    try {
      // Answered, too, when it was let go.
      await this.#port.ask('holdTask', { task, ticket })
    } finally {
      signal.removeEventListener('abort', letGo)
    }
    signal.throwIfAborted()
    return letGo
  }

  #beat(): void {
    const app = this.#app
    if (app === undefined) return
    const { error: _, threads: __, ...health } = app.health()
    const { here } = app
    this.tell({ type: 'beat', health, here: here && [...here] })
  }

  /** What is known when it is answered is known to who asked. */
  #tellAll(): void {
    this.#relay?.flush()
    this.#beat()
  }

  #ended(): void {
    this.#tellAll()
    void this.#beats?.stop()
  }
}

function notThere(): MillraceError {
  return new MillraceError('NOT_RUNNING', 'This thread has not loaded the application yet.', { stage: 'process', retryable: true })
}

/** Throws a `TypeError` unless a thread's definition is that of the application it is a part of. */
function checkSame(given: AppDefinition, { topology, transport, traced }: ThreadStart): void {
  const problem = (what: string) =>
    new TypeError(`The module of threads exports ${what}: let it export the definition that is started, and take what differs out of it.`)
  if (given.topology.describe() !== topology) throw problem('another topology than the one that was started')
  if (given.transport.name !== transport) throw problem(`an application on '${given.transport.name}', and '${transport}' was started`)
  if (traced && given.tracer === undefined)
    throw problem(
      'an application that follows no passes, and the one that was started has a tracer: export what observed(...) gives, so that threads have theirs',
    )
}

/** Bounds on memory are those of an application: each thread has its share. */
function shareOf(definition: RunnableDefinition, count: number): RunnableDefinition {
  const share = (bound: number) => Math.max(1, Math.floor(bound / count))
  const { buffer, batch } = definition
  const shared: Pick<ResolvedDefinition, 'buffer' | 'batch'> = {
    buffer: { maxRecords: share(buffer.maxRecords), maxBytes: share(buffer.maxBytes), maxOutputBytes: share(buffer.maxOutputBytes) },
    batch: { ...batch, memoryBudgetBytes: share(batch.memoryBudgetBytes) },
  }
  return { ...definition, ...shared }
}
