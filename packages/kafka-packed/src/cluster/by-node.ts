/** Adds to what is gathered for a broker; in place, since there may be thousands of partitions. */
export function addTo<T>(byNode: Map<number, T[]>, node: number, one: T): void {
  const gathered = byNode.get(node)
  if (gathered === undefined) byNode.set(node, [one])
  else gathered.push(one)
}
