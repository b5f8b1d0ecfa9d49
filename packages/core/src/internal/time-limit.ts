import type { Clock } from '../observe/clock.ts'

/** Resolves to true when `work` has settled within `limitMs`, else to false; never rejects. `work` goes on. */
export async function settledWithin(work: Promise<unknown>, limitMs: number, clock: Clock): Promise<boolean> {
  let cancel: () => void = () => undefined
  const limit = new Promise<false>((resolve) => {
    cancel = clock.after(limitMs, () => resolve(false))
  })
  const settled = work.then(
    () => true,
    () => true,
  )
  const inTime = await Promise.race([settled, limit])
  cancel()
  return inTime
}
