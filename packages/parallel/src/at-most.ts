/**
 * Calls `work` for 0 to `count - 1`, at most `limit` of them at a time, and gives the results in that order. After the first that fails none is
 * begun; its error is thrown once those under way have ended.
 */
export async function atMost<T>(limit: number, count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const results = new Array<T>(count)
  let next = 0
  async function lane(): Promise<void> {
    try {
      while (next < count) {
        const index = next++
        results[index] = await work(index)
      }
    } catch (error) {
      next = count
      throw error
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: Math.min(limit, count) }, lane))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return results
}
