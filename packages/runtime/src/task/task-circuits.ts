import { CircuitBreakers } from '@millrace/core'
import type { TaskEnvironment } from './task-environment.ts'

/** The circuit breakers of a task's nodes, if the definition asks for them; their changes are logged and told. */
export function circuitsOf(task: string, { definition, clock, logger, emit }: TaskEnvironment): CircuitBreakers | undefined {
  const { circuitBreaker } = definition.failure
  if (circuitBreaker === false) return undefined
  return new CircuitBreakers(circuitBreaker, clock, (node, from, to) => {
    logger.warn({ task, node, from, to }, `circuit breaker ${to}`)
    emit?.({ type: 'circuit', stage: 'process', task, node, from, to })
  })
}
