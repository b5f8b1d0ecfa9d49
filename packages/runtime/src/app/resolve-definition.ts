import {
  type AppDefinition,
  type Clock,
  type Environment,
  type ResolvedDefinition,
  systemClock,
  validateDefinition,
  wrongOptions,
} from '@millrace/core'

/** A definition with every default, the clock included. */
export type RunnableDefinition = ResolvedDefinition & { readonly clock: Clock }

/** Environment variables count more than options. Throws a `TypeError` that lists every bad option with its value and what is allowed. */
export function resolveDefinition(definition: AppDefinition, environment: Environment = process.env): RunnableDefinition {
  const result = validateDefinition(definition, environment)
  if (result._tag === 'Left') throw wrongOptions("The application can't be started", result.left)
  return { ...result.right, clock: result.right.clock ?? systemClock }
}
