import type { FinishedPass, LivePolicy } from '@millrace/core'
import type { ResolvedSettings } from '../config/sink-options.ts'
import type { ResolvedTable } from '../config/table-options.ts'
import { tablePolicy } from '../config/table-policy.ts'
import { Lane } from './lane.ts'
import type { RowBatch } from './entry.ts'

/** A policy that changes at run time. */
interface Policy extends LivePolicy {
  current: LivePolicy['current']
}

/** The lanes of all tables and priorities there were rows for. */
export class Lanes {
  readonly #settings: () => ResolvedSettings
  readonly #lanes: Lane[] = []
  /** By table, then by priority. */
  readonly #byTable = new Map<string, (Lane | undefined)[]>()
  readonly #policies = new Map<string, Policy>()

  constructor(settings: () => ResolvedSettings) {
    this.#settings = settings
  }

  get all(): readonly Lane[] {
    return this.#lanes
  }

  /** The options of a table; throws for one that is not known. */
  table(name: string): ResolvedTable {
    const { tables } = this.#settings()
    const table = tables.get(name)
    if (table !== undefined) return table
    throw new TypeError(`Table '${name}' is not one of the sink's: ${[...tables.keys()].join(', ')}. Name it in \`tables\`.`)
  }

  of(table: string, priority: number): Lane {
    const known = this.#byTable.get(table)?.[priority]
    if (known !== undefined) return known
    const lane = new Lane(table, priority, this.#policyOf(table))
    const same = this.#byTable.get(table) ?? []
    same[priority] = lane
    this.#byTable.set(table, same)
    this.#lanes.push(lane)
    return lane
  }

  /** Settings have changed. */
  update(): void {
    for (const [table, policy] of this.#policies) policy.current = this.#policyNow(table)
  }

  /** A batch is done. */
  finished(lane: RowBatch['lane'], pass: Omit<FinishedPass, 'waiting'>): void {
    const found = this.of(lane.table, lane.priority)
    found.sizer.finished({ ...pass, waiting: found.length })
  }

  /** The same of all lanes of a table, where these are stored together. */
  finishedTable(table: string, pass: FinishedPass): void {
    for (const lane of this.#lanes) if (lane.table === table) lane.sizer.finished(pass)
  }

  /** How many rows of a table are inserted within its target latency, where its size adapts; `Infinity`: it does not. */
  adaptedSize(table: string): number {
    const policy = this.#policies.get(table)
    if (policy?.current.adaptive !== true) return Infinity
    let size = 0
    for (const lane of this.#lanes) if (lane.table === table) size = Math.max(size, lane.sizer.limits.size)
    return size
  }

  #policyOf(table: string): Policy {
    const known = this.#policies.get(table)
    if (known !== undefined) return known
    const policy = { current: this.#policyNow(table) }
    this.#policies.set(table, policy)
    return policy
  }

  #policyNow(table: string): LivePolicy['current'] {
    const options = this.table(table)
    const policy = tablePolicy(options, this.#settings().adaptiveOptimization)
    return options.enabled ? policy : { ...policy, timeoutMs: 0 }
  }
}
