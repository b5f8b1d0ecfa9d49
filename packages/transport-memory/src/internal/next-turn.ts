/**
 * Resolves in the next turn of the event loop. The embedded log answers at once; without this a reader that always finds records would
 * live on microtasks alone, and timers, signals and sockets would never be served.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
