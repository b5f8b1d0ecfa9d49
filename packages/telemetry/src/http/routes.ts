import type { IncomingMessage } from 'node:http'
import type { Topology } from '@millrace/core'
import type { Registry, RegistryContentType } from 'prom-client'
import type { Readiness, ReadinessReport } from '../health/readiness.ts'
import type { Sampler } from '../metrics/sampler.ts'
import type { ObservedApp } from '../observed-app.ts'
import type { LiveView } from '../view/live-view.ts'
import { threadsOf } from '../view/threads-of.ts'
import { topologyGraph } from '../view/topology-graph.ts'
import { type Answer, json, Refusal, text } from './answer.ts'
import { jsonBody, type Request } from './request.ts'
import { StoreRoutes } from './store-routes.ts'

/** How long a health check waits for brokers, in milliseconds: who asks has less patience than they. */
const PROBE_MS = 500

export interface RoutesOptions {
  readonly application: string
  readonly topology: Topology
  readonly registry: Registry<RegistryContentType>
  readonly sampler: Sampler
  readonly readiness: Readiness
  readonly view: LiveView
  /** Throws a 503 while there is none. */
  readonly app: () => ObservedApp
  /** Whether a token is asked for. */
  readonly guarded: boolean
  /** Whether who asks has it. */
  readonly hasToken: (message: IncomingMessage) => boolean
}

type Route = (request: Request) => Answer | Promise<Answer>

/** What is answered, by method and first part of the path. */
export class Routes {
  readonly #options: RoutesOptions
  readonly #stores: StoreRoutes
  readonly #routes: Readonly<Record<string, Route>>

  constructor(options: RoutesOptions) {
    this.#options = options
    this.#stores = new StoreRoutes(options)
    this.#routes = {
      'GET metrics': () => this.#metrics(),
      'GET metrics.json': () => this.#metricsJson(),
      'GET health': (request) => this.#health(request),
      'GET topology': (request) => this.#topology(request),
      'GET tasks': () => this.#tasks(),
      'GET stores': (request) => this.#store(request),
      'GET live.json': ({ query }) => this.#live(query),
      'PATCH batching': (request) => this.#batching(request),
    }
  }

  answer(request: Request): Answer | Promise<Answer> {
    const first = request.path[0] ?? ''
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const route = this.#routes[`${method} ${first}`]
    if (route !== undefined) return route(request)
    const allowed = Object.keys(this.#routes).flatMap((key) => (key.endsWith(` ${first}`) ? [key.split(' ')[0] as string] : []))
    if (allowed.length > 0) throw new Refusal(405, `/${first} takes ${allowed.join(', ')}.`, {}, { allow: allowed.join(', ') })
    throw new Refusal(404, `There is no /${request.path.join('/')}.`)
  }

  async #metrics(): Promise<Answer> {
    const { registry, sampler } = this.#options
    await sampler.refresh()
    return text(await registry.metrics(), registry.contentType)
  }

  async #metricsJson(): Promise<Answer> {
    const { registry, sampler } = this.#options
    await sampler.refresh()
    return json(await registry.getMetricsAsJSON())
  }

  async #health({ path: [, which = 'ready', ...rest], message }: Request): Promise<Answer> {
    if (rest.length > 0 || (which !== 'live' && which !== 'ready')) throw new Refusal(404, 'There are /health/live and /health/ready.')
    const { app, readiness, sampler, guarded, hasToken } = this.#options
    if (which === 'ready') {
      await sampler.askAgain(PROBE_MS)
      const report = readiness.look(app().health())
      const isTold = !guarded || hasToken(message)
      return json(isTold ? report : withoutDetails(report), report.ready ? 200 : 503)
    }
    const health = app().health()
    // One that is closing, or has ended as it was asked to, needs no restart.
    const live = health.error === undefined && health.state !== 'error' && health.state !== 'pending-error'
    return json({ live, state: health.state }, live ? 200 : 503)
  }

  #topology({ query, message }: Request): Answer {
    const { topology } = this.#options
    const format = query.get('format') ?? (message.headers.accept?.startsWith('text/plain') === true ? 'text' : 'json')
    if (format === 'text' || format === 'mermaid') return text(topology.describe(format))
    if (format === 'json') return json(topologyGraph(topology, this.#options.application))
    throw new Refusal(400, `format is '${format}'; use json, text or mermaid.`)
  }

  async #tasks(): Promise<Answer> {
    const { sampler, app } = this.#options
    await sampler.refresh()
    const health = app().health()
    const { state, healthy, error, tasks, threads, sinks } = health
    const threadOf = threadsOf(health)
    const lags = new Map(sampler.last.lag.map(({ topic, partition, lag, end }) => [`${topic} ${partition}`, { lag, end }]))
    return json({
      state,
      healthy,
      ...(error !== undefined && { error }),
      ...(threads !== undefined && { threads }),
      sinks,
      tasks: tasks.map((task) => ({
        ...task,
        thread: threadOf.get(task.task),
        partitions: task.partitions.map((one) => ({ ...one, ...lags.get(`${one.topic} ${one.partition}`) })),
      })),
    })
  }

  #store({ path: [, name, ...key], query }: Request): Promise<Answer> {
    if (name === undefined || (name === '' && key.length === 0)) return this.#stores.list()
    if (key.length > 1) throw new Refusal(400, 'A key that holds a slash has to be encoded, as encodeURIComponent does, or given as ?key=.')
    return this.#stores.query(name, key[0], query)
  }

  async #live(query: URLSearchParams): Promise<Answer> {
    const { sampler, app, view, readiness } = this.#options
    await sampler.refresh()
    const health = app().health()
    const told = { instance: query.get('instance') ?? '', after: Number(query.get('after') ?? 0) }
    return json(view.snapshot({ health, sample: sampler.last, readiness: readiness.look(health), told }))
  }

  async #batching({ message }: Request): Promise<Answer> {
    const { guarded, app } = this.#options
    if (!guarded) throw new Refusal(403, 'Batching is changed only with a token: start the server with http.token.')
    const change = await jsonBody(message)
    if (typeof change !== 'object' || change === null || Array.isArray(change))
      throw new Refusal(400, 'The body is no object of batch options.')
    try {
      app().updateBatching(change)
    } catch (error) {
      if (error instanceof TypeError) throw new Refusal(400, error.message)
      throw error
    }
    return json({ changed: change })
  }
}

/** For who has no token: messages of errors, and names of topics and stores, are not everybody's. */
function withoutDetails({ ready, state, problems }: ReadinessReport): object {
  return { ready, state, problems: [...new Set(problems.map(({ reason }) => reason))].map((reason) => ({ reason })) }
}
