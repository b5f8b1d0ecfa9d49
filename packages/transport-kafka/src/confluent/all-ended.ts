/** Resolves when all have ended, whatever becomes of the others; then rejects as the first that failed. */
export async function allEnded(all: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(all)
  await Promise.all(all)
}
