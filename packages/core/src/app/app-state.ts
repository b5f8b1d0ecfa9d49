/** The states of an application, as in Kafka Streams. */
export type AppState = 'created' | 'rebalancing' | 'running' | 'pending-shutdown' | 'not-running' | 'pending-error' | 'error'

const NEXT: Readonly<Record<AppState, readonly AppState[]>> = {
  created: ['rebalancing', 'pending-shutdown', 'pending-error'],
  rebalancing: ['running', 'rebalancing', 'pending-shutdown', 'pending-error'],
  running: ['rebalancing', 'pending-shutdown', 'pending-error'],
  'pending-shutdown': ['not-running', 'pending-error'],
  'not-running': [],
  'pending-error': ['error'],
  error: [],
}

/** Whether an application in state `from` may go to state `to`. */
export function isLegalTransition(from: AppState, to: AppState): boolean {
  return NEXT[from].includes(to)
}
