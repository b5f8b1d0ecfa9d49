import { serialize } from 'node:v8'
import { asError, type TransportRecipe, wrongOptions } from '@millrace/core'
import type { EventDefinitions } from '../events.ts'
import type { PublisherOptions } from '../publisher-options.ts'
import type { ResolvedPublisher } from '../resolve-options.ts'
import type { StartMessage } from './messages.ts'

/** Throws a `TypeError` for options that can't go to another process. */
function checkStart(start: StartMessage): void {
  try {
    serialize(start)
  } catch (error) {
    throw wrongOptions('createPublisher was given what it can not use', [
      `options that go to the worker must be plain data: ${asError(error).message}; leave it out, or worker.`,
    ])
  }
}

/** What a worker is told to begin with: nothing that is a function. Throws a `TypeError` for options that can't go to another process. */
export function startMessageOf<Events extends EventDefinitions>(
  resolved: ResolvedPublisher,
  given: PublisherOptions<Events>,
): StartMessage {
  const { transport: _t, events: _e, worker, logger: _l, clock: _c, outbox: _o, environment = process.env, ...options } = given
  const relevant = Object.entries(environment).filter(([name]) => name.startsWith('KAFKA_') || name === 'NODE_ENV')
  const events = Object.entries(resolved.events).map(
    ([type, { key: _k, serialize: _s, deserialize: _d, ...plain }]) => [type, plain] as const,
  )
  const types = Object.entries(resolved.events).flatMap(([type, { serialize }]) => (serialize === undefined ? [] : [type]))
  const message = {
    start: {
      transport: resolved.transport.recipe as TransportRecipe,
      events: Object.fromEntries(events),
      own: { types, module: String(typeof worker === 'object' ? (worker.events ?? '') : '') },
      options: { ...options, environment: Object.fromEntries(relevant) },
    },
  }
  checkStart(message)
  return message
}
