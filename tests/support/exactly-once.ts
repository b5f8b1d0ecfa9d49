import type { Written } from './log-client.ts'
import type { TracedCount } from './traced-word-count.ts'

/** Words whose counts, as they were put out and committed, are not 1, 2, 3... up to the true one, or whose state is not the true one. */
export function notExact(
  trueCounts: ReadonlyMap<string, number>,
  output: readonly Pick<Written<string, TracedCount>, 'key' | 'value'>[],
  changelog: readonly Pick<Written<string, number>, 'key' | 'value'>[],
): string[] {
  const counts = new Map<string, number[]>()
  for (const { key, value } of output) counts.set(key, [...(counts.get(key) ?? []), value.count])
  const state = new Map(changelog.map(({ key, value }) => [key, value]))
  const strange = [...counts.keys()].filter((word) => !trueCounts.has(word))
  const wrong = [...trueCounts].flatMap(([word, truth]) => {
    const own = counts.get(word) ?? []
    const good = own.length === truth && own.every((count, i) => count === i + 1)
    return good && state.get(word) === truth ? [] : [`${word}: ${own.join(' ')}; state ${state.get(word)}; true ${truth}`]
  })
  return [...strange, ...wrong]
}
