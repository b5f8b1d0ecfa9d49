import type { AppHealth, AppState, CircuitState } from '@millrace/core'
import type { AppThread } from './app-thread.ts'

interface Looked {
  readonly state: AppState
  readonly error: unknown
}

const WORSE: Readonly<Record<CircuitState, number>> = { closed: 0, 'half-open': 1, open: 2 }

/** How an application is, by what its threads told last. */
export function healthOfThreads({ state, error }: Looked, threads: readonly AppThread[]): AppHealth {
  const known = threads.flatMap((thread) => thread.health() ?? [])
  const going = state === 'created' || state === 'rebalancing' || state === 'running'
  return {
    state,
    healthy: going && error === undefined && known.every(({ healthy }) => healthy),
    error,
    tasks: known.flatMap(({ tasks }) => tasks),
    sinks: worst(known.map(({ sinks }) => sinks)),
    threads: threads.map((thread) => thread.summary()),
  }
}

/** Of each table, the circuit that is worst. */
function worst(all: readonly AppHealth['sinks'][]): AppHealth['sinks'] {
  const merged: Record<string, Record<string, CircuitState>> = {}
  for (const sinks of all)
    for (const [node, circuits] of Object.entries(sinks)) {
      const tables = (merged[node] ??= {})
      for (const [table, circuit] of Object.entries(circuits))
        if (WORSE[circuit] >= WORSE[tables[table] ?? 'closed']) tables[table] = circuit
    }
  return merged
}
