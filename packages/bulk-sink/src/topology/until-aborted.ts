/** Resolves when `work` has ended or the signal is aborted; never rejects. */
export async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let end: () => void = () => undefined
  const aborted = new Promise<void>((resolve) => {
    end = resolve
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) resolve()
  })
  await Promise.race([work.then(end, end), aborted])
  signal.removeEventListener('abort', end)
}
