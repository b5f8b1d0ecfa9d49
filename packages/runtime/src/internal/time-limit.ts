import type { Clock } from '@millrace/core'

/** Resolves to true when `work` has settled within `limitMs`, else to false; never rejects. `work` goes on. */
export function settledWithin(work: Promise<unknown>, limitMs: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(limitMs, () => resolve(false))
    const done = () => {
      cancel()
      resolve(true)
    }
    work.then(done, done)
  })
}
