/** Partitions of a table that one insert may write to, as the server limits them by default: each of them takes a place in its window. */
const PARTITIONS_AN_INSERT = 100

/** A table as `system.tables` has it. */
export interface TableEngine {
  readonly engine: string
  /** With its settings, as in a statement. */
  readonly engine_full: string
  /** What its partitions are made by; '': it has one. */
  readonly partition_key: string
}

/** How much it has to remember, and what the server gives a table that says nothing. */
export interface WindowNeed {
  /** That may come between one and its repeat. */
  readonly inserts: number
  /** Of replicated tables: `replicated_deduplication_window`; undefined: the server does not say. */
  readonly replicatedDefault: number | undefined
}

/** Why a table does not remember tokens for long enough; undefined: it does. */
export function windowProblem(table: string, found: TableEngine, { inserts, replicatedDefault }: WindowNeed): string | undefined {
  const { engine, engine_full: text, partition_key: partitioned } = found
  const least = partitioned === '' ? inserts : PARTITIONS_AN_INSERT * inserts
  const isReplicated = engine.startsWith('Replicated') || engine.startsWith('Shared')
  if (!engine.endsWith('MergeTree'))
    return `table '${table}' is of engine ${engine}, which keeps no tokens; use one of the MergeTree family`
  const name = isReplicated ? 'replicated_deduplication_window' : 'non_replicated_deduplication_window'
  const window = setting(text, name) ?? (isReplicated ? replicatedDefault : 0)
  if (window === undefined || window >= least) return undefined
  const why = partitioned === '' ? '' : ` (its partitions, by ${partitioned}, have one each)`
  return `table '${table}' keeps ${window === 0 ? 'no' : window} tokens${why}; set ${name} to at least ${least}${isReplicated ? '' : ', or use a replicated engine'}`
}

function setting(text: string, name: string): number | undefined {
  const found = new RegExp(String.raw`\b${name} = (\d+)`).exec(text)
  return found === null ? undefined : Number(found[1])
}
