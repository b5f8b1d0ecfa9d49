/** Waits for something, but no longer than `limitMs`; resolves to whether it has ended, well or not. */
export async function settledWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs)
  })
  const ended = promise.then(
    () => true,
    () => true,
  )
  const inTime = await Promise.race([ended, late])
  clearTimeout(timer)
  return inTime
}
