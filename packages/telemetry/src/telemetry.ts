import { type AppDefinition, type Logger, type Observer, type RuntimeEvent, safeLogger } from '@millrace/core'
import { metrics } from '@opentelemetry/api'
import { pino } from 'pino'
import { collectDefaultMetrics, Registry, type RegistryContentType } from 'prom-client'
import { Diagnostics } from './diagnostics.ts'
import { Readiness } from './health/readiness.ts'
import { Access } from './http/access.ts'
import { Refusal } from './http/answer.ts'
import { DashboardFiles } from './http/dashboard-files.ts'
import { Routes } from './http/routes.ts'
import { isLoopback, TelemetryServer } from './http/server.ts'
import { BatchLog } from './logs/batch-log.ts'
import { exportTo } from './metrics/open-telemetry.ts'
import { failurePlaces } from './metrics/failure-places.ts'
import { Recorder } from './metrics/recorder.ts'
import { register } from './metrics/prometheus.ts'
import { Sampler } from './metrics/sampler.ts'
import { type Counting, type FrequentEvent, WaitingEvents } from './metrics/waiting-events.ts'
import type { ObservedApp } from './observed-app.ts'
import { type ResolvedTelemetryOptions, resolveTelemetry, type TelemetryOptions } from './telemetry-options.ts'
import { PassSpans } from './trace/pass-spans.ts'
import { LiveView } from './view/live-view.ts'

/** What is seen of one application: what {@link observed} gives. */
export class Telemetry implements AsyncDisposable {
  /** The definition to start: the one that was given, observed. */
  readonly definition: AppDefinition
  /** All metrics, for a server of your own. Ask {@link Telemetry.metrics} for text that is up to date. */
  readonly registry: Registry<RegistryContentType>
  readonly #options: ResolvedTelemetryOptions
  readonly #logger: Logger
  readonly #recorder: Recorder
  readonly #sampler: Sampler
  readonly #readiness: Readiness
  readonly #view: LiveView
  readonly #waiting: WaitingEvents
  /** Who is told of what. */
  readonly #tellers: ReadonlyMap<RuntimeEvent['type'], readonly Counting[]>
  readonly #unregister: () => void
  /** Milliseconds since the epoch. */
  readonly #now: () => number
  #app: ObservedApp | undefined
  #server: TelemetryServer | undefined
  #port: number | undefined
  #stopMeter: (() => void) | undefined

  /** @internal Use {@link observed}. */
  constructor(definition: AppDefinition, options: TelemetryOptions) {
    this.#options = resolveTelemetry(options)
    const { topology, applicationId, clock } = definition
    const now = clock === undefined ? () => Date.now() : () => clock.now()
    this.#now = now
    this.#logger = safeLogger(definition.logger ?? pino({ level: 'info', base: { application: applicationId } }, pino.destination(2)))
    this.#recorder = new Recorder({
      application: applicationId,
      compatible: this.#options.compatible,
      storesOf: (task) => topology.subTopologies[Number(task.slice(0, task.indexOf('_')))]?.stores.map(({ name }) => name) ?? [],
      places: failurePlaces(topology, applicationId),
    })
    const settle = () => this.#waiting.settle()
    this.#readiness = new Readiness({ stuckAfterMs: this.#options.stuckAfterMs, now, settle })
    this.#view = new LiveView(topology, { recorder: this.#recorder, now })
    this.#tellers = tellersOf([
      this.#recorder,
      ...(this.#options.http === undefined ? [] : [this.#view]),
      this.#readiness,
      ...this.#batchLog(applicationId),
    ])
    this.#waiting = new WaitingEvents({ count: (event, at) => this.#tell(event, at), now, after: afterwards })
    this.#sampler = new Sampler({
      recorder: this.#recorder,
      readiness: this.#readiness,
      everyMs: this.#options.sampleEveryMs,
      logger: this.#logger,
      settle: this.#waiting.settle,
    })
    this.registry = this.#options.registry ?? new Registry()
    this.#unregister = register(this.#recorder.all, this.registry, this.#waiting.settle)
    const { nodeMetrics } = this.#options
    // Another application of the process may have them there already.
    if (nodeMetrics && this.registry.getSingleMetric('process_cpu_seconds_total') === undefined)
      collectDefaultMetrics({ register: this.registry })
    const advertise = this.#options.http?.advertise
    this.definition = {
      ...definition,
      ...tracerOf(definition, this.#options),
      observer: this.#observer(definition),
      ...(advertise !== undefined && advertise !== false && { advertisedAddress: () => this.#advertised(advertise) }),
    }
  }

  /** Where the HTTP server listens, such as `http://127.0.0.1:9464`; undefined while it does not. */
  get url(): string | undefined {
    if (this.#port === undefined) return undefined
    const { host } = this.#options.http as { host: string }
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.#port}`
  }

  /** All metrics up to date, as Prometheus reads them. */
  async metrics(): Promise<string> {
    await this.#sampler.refresh()
    return this.registry.metrics()
  }

  /** Looks at the application that was started, and opens the HTTP server, if one is wanted. Call it before `run()`. Rejects if it can't listen. */
  async attach(app: ObservedApp): Promise<void> {
    this.#app = app
    this.#sampler.attach(app)
    const { http, meter } = this.#options
    if (meter !== false)
      this.#stopMeter = exportTo(meter === true ? metrics.getMeter('millrace') : meter, this.#recorder.all, this.#sampler.refresh)
    if (http === undefined) return
    const access = new Access({ ...http, now: () => performance.now() })
    const routes = new Routes({
      application: this.definition.applicationId,
      topology: this.definition.topology,
      registry: this.registry,
      sampler: this.#sampler,
      readiness: this.#readiness,
      view: this.#view,
      app: () => this.#attached(),
      guarded: access.guarded,
      hasToken: (message) => access.hasToken(message),
    })
    const dashboard = http.dashboard ? DashboardFiles.open() : undefined
    const server = new TelemetryServer({ http, routes, access, dashboard, logger: this.#logger })
    this.#port = await server.listen()
    this.#server = server
    this.#logger.info({ url: this.url }, 'telemetry is served')
    if (!access.guarded && !isLoopback(http.host))
      this.#logger.warn({ url: this.url }, 'telemetry, state and dead letters are told to whoever reaches this machine: set http.token')
  }

  /** Closes the HTTP server, and takes the application's metrics out of the registry. Safe to call twice. */
  async close(): Promise<void> {
    this.#waiting.close()
    this.#stopMeter?.()
    this.#stopMeter = undefined
    this.#sampler.stop()
    this.#unregister()
    await this.#server?.close()
    this.#server = undefined
    this.#port = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #attached(): ObservedApp {
    if (this.#app === undefined) throw new Refusal(503, 'There is no application yet.')
    return this.#app
  }

  #advertised(advertise: string | true): string | undefined {
    if (advertise === true) return this.url?.replace('http://', '')
    // Port 0 is any that was free: the one that it has come to be.
    return this.#port === undefined ? advertise : advertise.replace(/:0+$/, `:${this.#port}`)
  }

  #batchLog(application: string): BatchLog[] {
    const { logs } = this.#options
    if (logs === undefined) return []
    const { logger = this.#logger, summaryEveryMs = 10_000 } = logs
    return [new BatchLog({ application, logger: safeLogger(logger), summaryEveryMs, now: () => performance.now(), after: afterwards })]
  }

  #observer({ observer: own, applicationId: application }: AppDefinition): Observer {
    const waiting = this.#waiting
    const diagnostics = new Diagnostics(application)
    return (event: RuntimeEvent) => {
      if (isFrequent(event)) waiting.add(event)
      else if (event.type !== 'pass-started') {
        waiting.settle()
        this.#tell(event, this.#now())
      }
      if (event.type === 'pass-started') diagnostics.observe(event)
      else if (event.type === 'pass-ended') {
        diagnostics.observe(event)
        // What went wrong is logged at once.
        if (event.outcome !== 'done' || event.givenUp > 0) waiting.settle()
      }
      // The user's last: what it throws or rejects with is the engine's to log.
      return own?.(event)
    }
  }

  #tell(event: RuntimeEvent, at: number): void {
    for (const teller of this.#tellers.get(event.type) ?? NOBODY)
      try {
        teller(event, at)
      } catch (error) {
        // Such as what a meter of the user's throws: others are told all the same, and a timer that settles ends no process.
        this.#logger.warn({ err: error, event: event.type }, 'an event could not be counted')
      }
  }
}

/** Keeps no process alive. */
function afterwards(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}

const NOBODY: readonly Counting[] = []

interface Told {
  /** What it wants to be told of. */
  readonly events: readonly RuntimeEvent['type'][]
  readonly observe: Counting
}

/** By type, since most events come for each batch and concern few. */
function tellersOf(all: readonly Told[]): ReadonlyMap<RuntimeEvent['type'], readonly Counting[]> {
  const tellers = new Map<RuntimeEvent['type'], Counting[]>()
  for (const { events, observe } of all) for (const type of events) tellers.set(type, [...(tellers.get(type) ?? []), observe])
  return tellers
}

function isFrequent(event: RuntimeEvent): event is FrequentEvent {
  const { type } = event
  return type === 'batch' || type === 'cut' || type === 'pass-ended' || type === 'flush'
}

/** Follows passes, where anything wants that. */
function tracerOf({ applicationId, transport, tracer }: AppDefinition, options: ResolvedTelemetryOptions): Pick<AppDefinition, 'tracer'> {
  const { tracing, checkpoints } = options
  if (tracing === undefined && checkpoints === undefined) return {}
  if (tracer !== undefined) throw new TypeError('The definition has a tracer already: leave it out, or tracing and checkpoints.')
  const now = () => performance.now()
  return { tracer: new PassSpans({ application: applicationId, system: transport.name, tracing, checkpoints, now }) }
}

/**
 * Telemetry of an application: metrics, health, HTTP.
 *
 * ```ts with=definition
 * import { observed } from 'millrace/telemetry'
 *
 * const telemetry = observed(definition, { http: { port: 9464 } })
 * const app = await start(telemetry.definition)
 * await telemetry.attach(app)
 * await app.run()
 * await telemetry.close()
 * ```
 *
 * Throws a `TypeError` that lists every bad option. Nothing is opened before `attach`.
 */
export function observed(definition: AppDefinition, options: TelemetryOptions = {}): Telemetry {
  return new Telemetry(definition, options)
}
