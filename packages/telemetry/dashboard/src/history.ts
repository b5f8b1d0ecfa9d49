import type { Live, Partition } from './live.ts'

/** Samples that are kept for each partition: two minutes. */
const KEPT = 120
/** Rates are means over so long, in milliseconds. */
const WINDOW_MS = 5_000

interface Counted {
  readonly at: number
  readonly counts: ReadonlyMap<string, number>
}

/** What rates and courses are made of: the answers so far. */
export class History {
  readonly #counted: Counted[] = []
  readonly #sizes = new Map<string, number[]>()

  add(live: Live): void {
    const counts = new Map<string, number>()
    for (const [node, records] of Object.entries(live.nodes)) counts.set(`node ${node}`, records)
    for (const { from, to, records } of live.edges) counts.set(edgeKey(from, to), records)
    // An application that was started anew begins at 0, and a clock may be set back.
    const last = this.#counted.at(-1)
    const isAnew = last !== undefined && [...counts].some(([key, count]) => count < (last.counts.get(key) ?? 0))
    if (isAnew || (last !== undefined && live.now < last.at)) this.#counted.length = 0
    this.#counted.push({ at: live.now, counts })
    while (this.#counted.length > 2 && live.now - (this.#counted[0]?.at ?? 0) > WINDOW_MS) this.#counted.shift()
    const known = new Set(live.partitions.map(partitionKey))
    for (const key of this.#sizes.keys()) if (!known.has(key)) this.#sizes.delete(key)
    for (const partition of live.partitions) {
      const sizes = this.#sizes.get(partitionKey(partition)) ?? []
      sizes.push(partition.lastBatch ?? 0)
      if (sizes.length > KEPT) sizes.shift()
      this.#sizes.set(partitionKey(partition), sizes)
    }
  }

  /** Records a second along an edge; undefined while that is not known. */
  edgeRate(from: string, to: string): number | undefined {
    return this.#rate(edgeKey(from, to))
  }

  nodeRate(node: string): number | undefined {
    return this.#rate(`node ${node}`)
  }

  /** The last batch's size at each answer. */
  batchSizes(partition: Partition): readonly number[] {
    return this.#sizes.get(partitionKey(partition)) ?? []
  }

  #rate(key: string): number | undefined {
    const first = this.#counted[0]
    const last = this.#counted.at(-1)
    if (first === undefined || last === undefined || last.at <= first.at) return undefined
    return (((last.counts.get(key) ?? 0) - (first.counts.get(key) ?? 0)) * 1_000) / (last.at - first.at)
  }
}

export function partitionKey({ topic, partition }: Pick<Partition, 'topic' | 'partition'>): string {
  return `${topic} ${partition}`
}

function edgeKey(from: string, to: string): string {
  return `edge ${JSON.stringify([from, to])}`
}
