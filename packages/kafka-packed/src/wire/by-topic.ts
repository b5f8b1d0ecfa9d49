/** Requests name each topic once. */
export function byTopic<T extends { readonly topic: string }>(items: readonly T[]): Map<string, T[]> {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const ofTopic = topics.get(item.topic)
    if (ofTopic === undefined) topics.set(item.topic, [item])
    else ofTopic.push(item)
  }
  return topics
}

/** The same as the protocol calls of the library take it. */
export function topicsOf<T extends { readonly topic: string }, P>(
  items: readonly T[],
  partitionOf: (item: T) => P,
): { readonly name: string; readonly partitions: P[] }[] {
  return [...byTopic(items)].map(([name, ofTopic]) => ({ name, partitions: ofTopic.map(partitionOf) }))
}
