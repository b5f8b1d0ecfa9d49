import type { BatchingChange } from 'millrace'
import type { Random } from './random.ts'

/** A change of batching: of everything, of a source, or of a topic. */
export function someChange(random: Random, { source, topic }: { source: string; topic: string }): BatchingChange {
  const next = (limit: number) => random.below(limit)
  const oneOf = <T>(choices: readonly T[]): T => choices[next(choices.length)] as T
  const limits = (): BatchingChange => ({
    size: 1 + next(300),
    timeoutMs: next(20),
    maxBytes: 50 + next(2_000),
    waitWhenIdle: next(2) === 0,
  })
  const changes: readonly (() => BatchingChange)[] = [
    () => ({ strategy: oneOf(['immediate', 'size', 'time', 'bytes', 'hybrid', 'memory', 'adaptive']) }),
    () => ({ preset: oneOf(['conservative', 'balanced', 'aggressive']) }),
    limits,
    () => ({ ...limits(), source }),
    () => ({
      ...limits(),
      topic,
      adaptive: next(2) === 0,
      targetLatencyMs: 1 + next(50),
      minSize: 1 + next(10),
      maxSize: 10 + next(500),
    }),
  ]
  return oneOf(changes)()
}
