import { CircuitBreakers } from '@millrace/core'
import type { ResolvedPublisher } from './resolve-options.ts'
import { TopicLanes } from './topic-lane.ts'

/** The lanes of a publisher's topics. */
export function lanesFor({ degrade, logger }: ResolvedPublisher): TopicLanes {
  const onDegraded = (topic: string, degraded: boolean) =>
    logger.warn({ topic }, degraded ? 'batches keep failing: the topic gets single events' : 'the topic gets batches again')
  return new TopicLanes({ ...degrade, onDegraded })
}

/** The circuit breakers of a publisher's topics; undefined: it has none. */
export function breakersFor({ circuitBreaker, clock, logger }: ResolvedPublisher): CircuitBreakers | undefined {
  if (circuitBreaker === false) return undefined
  return new CircuitBreakers(circuitBreaker, clock, (topic, from, to) => logger.warn({ topic, from, to }, 'the circuit of a topic'))
}
