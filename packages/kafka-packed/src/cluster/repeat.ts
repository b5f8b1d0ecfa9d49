import type { Clock } from '@millrace/core'

/** Calls `action` every so many milliseconds, until what it returns is called. */
export function repeat(clock: Clock, everyMs: number, action: () => void): () => void {
  let cancel = (): void => {}
  const again = (): void => {
    cancel = clock.after(everyMs, () => {
      again()
      action()
    })
  }
  again()
  return () => cancel()
}
