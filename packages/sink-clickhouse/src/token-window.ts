/** Tokens that a table has to remember at least: retries come while others insert, too. */
const LEAST = 100

/** A table as `system.tables` has it. */
export interface TableEngine {
  readonly engine: string
  /** With its settings, as in a statement. */
  readonly engine_full: string
}

/** Why a table does not remember tokens for long enough; undefined: it does. */
export function windowProblem(table: string, { engine, engine_full: text }: TableEngine): string | undefined {
  // By default a replicated one remembers some hundreds or thousands, by version.
  if (engine.startsWith('Replicated') || engine.startsWith('Shared')) {
    const window = setting(text, 'replicated_deduplication_window')
    if (window === undefined || window >= LEAST) return undefined
    return `table '${table}' keeps ${window} tokens; set replicated_deduplication_window to at least ${LEAST}, such as 10000`
  }
  if (!engine.endsWith('MergeTree'))
    return `table '${table}' is of engine ${engine}, which keeps no tokens; use one of the MergeTree family`
  const window = setting(text, 'non_replicated_deduplication_window')
  if (window !== undefined && window >= LEAST) return undefined
  const advice = `set non_replicated_deduplication_window to at least ${LEAST}, such as 10000, or use a replicated engine`
  return `table '${table}' keeps ${window === undefined || window === 0 ? 'no' : window} tokens; ${advice}`
}

function setting(text: string, name: string): number | undefined {
  const found = new RegExp(String.raw`\b${name} = (\d+)`).exec(text)
  return found === null ? undefined : Number(found[1])
}
