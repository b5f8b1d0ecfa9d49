import type { Serde } from '../../serde/serde.ts'

/** Serdes that are missing or none. */
export function serdeProblems(who: string, node: { readonly key: Serde<unknown>; readonly value: Serde<unknown> }): string[] {
  const problems: string[] = []
  for (const part of ['key', 'value'] as const) {
    const serde = node[part] as Partial<Serde<unknown>> | null | undefined
    if (typeof serde?.serialize === 'function' && typeof serde.deserialize === 'function') continue
    problems.push(`${who} has no ${part} serde; give one, such as ${part}: serdes.string.`)
  }
  return problems
}
