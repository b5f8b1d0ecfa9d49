/** Resolves when `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** A signal that is aborted `ms` milliseconds after `signal`. */
export function abortedLater(signal: AbortSignal, ms: number): AbortSignal {
  const later = new AbortController()
  void aborted(signal).then(() => setTimeout(() => later.abort(), ms).unref())
  return later.signal
}
