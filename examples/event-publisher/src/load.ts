/** What came of a load. */
export interface LoadReport {
  readonly posts: number
  readonly published: number
  readonly seconds: number
  /** Of one POST, in milliseconds. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Sends so many POSTs, some at once, as clients of the service would. */
export async function load(url: string, { posts, clients }: { readonly posts: number; readonly clients: number }): Promise<LoadReport> {
  const latencies: number[] = []
  let next = 0
  let published = 0
  const began = performance.now()
  const client = async () => {
    while (next < posts) {
      const n = next++
      const type = n % 3 === 0 ? 'order.created' : n % 3 === 1 ? 'order.paid' : 'page.viewed'
      const payload = type === 'page.viewed' ? { path: `/orders/${n}` } : { id: `order-${n % 100}`, total: n }
      const from = performance.now()
      const answer = await fetch(`${url}/events`, { method: 'POST', body: JSON.stringify({ type, payload }) })
      await answer.arrayBuffer()
      latencies.push(performance.now() - from)
      if (answer.status === 201) published++
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  latencies.sort((a, b) => a - b)
  const share = (part: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0
  return { posts, published, seconds: (performance.now() - began) / 1_000, p50Ms: share(0.5), p99Ms: share(0.99) }
}
