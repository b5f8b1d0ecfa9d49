/** What came of a load. */
export interface LoadReport {
  readonly posts: number
  /** Of them, those that were answered with 201. */
  readonly published: number
  /** How often each other answer came: its status, with the code of the error where it has one. */
  readonly refused: ReadonlyMap<string, number>
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
  const refused = new Map<string, number>()
  const began = performance.now()
  const client = async () => {
    while (next < posts) {
      const n = next++
      const type = n % 3 === 0 ? 'order.created' : n % 3 === 1 ? 'order.paid' : 'page.viewed'
      const payload = type === 'page.viewed' ? { path: `/orders/${n}` } : { id: `order-${n % 100}`, total: n }
      const from = performance.now()
      const answer = await post(`${url}/events`, JSON.stringify({ type, payload }))
      latencies.push(performance.now() - from)
      if (answer === '201') published++
      else refused.set(answer, (refused.get(answer) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  latencies.sort((a, b) => a - b)
  const share = (part: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? 0
  return { posts, published, refused, seconds: (performance.now() - began) / 1_000, p50Ms: share(0.5), p99Ms: share(0.99) }
}

/** The status, with the code of the error where it has one; or why there was no answer. */
async function post(url: string, body: string): Promise<string> {
  try {
    const answer = await fetch(url, { method: 'POST', body })
    const { code } = (await answer.json()) as { readonly code?: unknown }
    return typeof code === 'string' ? `${answer.status} ${code}` : `${answer.status}`
  } catch (error) {
    return String(error)
  }
}
