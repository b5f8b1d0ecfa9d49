/** The client libraries there are. */
export type ClientName = 'confluent' | 'packed'

/** The switch: which client is chosen where nobody says, as far as it runs. */
const PREFERRED: ClientName = 'packed'

/** From which release on, in each line of Node, `@platformatic/kafka` runs: as its package says. Lines after the last of these run it, others don't. */
const PACKED_RUNS_FROM: ReadonlyMap<number, readonly [minor: number, patch: number]> = new Map([
  [20, [19, 4]],
  [22, [18, 0]],
  [24, [6, 0]],
])

export interface DefaultClient {
  readonly client: ClientName
  /** Why it is not the one that is preferred. */
  readonly reason: string | undefined
}

/** The client for who names none. `node`: a version, such as `22.18.0`. */
export function defaultClient(node: string, preferred: ClientName = PREFERRED): DefaultClient {
  if (preferred === 'confluent' || runsPacked(node)) return { client: preferred, reason: undefined }
  const from = [...PACKED_RUNS_FROM].map(([major, [minor, patch]]) => `${major}.${minor}.${patch}`).join(', ')
  return { client: 'confluent', reason: `Node ${node} does not run the client 'packed' (from ${from} on), so the client is 'confluent'` }
}

function runsPacked(node: string): boolean {
  const [major = 0, minor = 0, patch = 0] = node.split('.').map((part) => Number.parseInt(part, 10))
  const from = PACKED_RUNS_FROM.get(major)
  if (from === undefined) return major > Math.max(...PACKED_RUNS_FROM.keys())
  return minor > from[0] || (minor === from[0] && patch >= from[1])
}
