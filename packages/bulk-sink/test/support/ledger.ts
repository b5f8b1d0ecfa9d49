import type { DriverFactory, InsertRequest, OffsetOwner, Row, SinkTransaction } from '../../src/index.ts'
import { Refusal } from './shelf.ts'

interface Position {
  owner: string
  topicId: string | undefined
  offset: number | undefined
}

/** A database of the tests that stores offsets beside rows: what a transaction did is seen when it is committed. */
export class Ledger {
  readonly #tables = new Map<string, Row[]>()
  readonly #positions = new Map<string, Position>()
  /** How many rows each transaction stored. */
  readonly commits: number[] = []
  /** Called before each insert, with what the transaction and all before it stored: throws to make it fail, or waits. */
  before: (request: InsertRequest, ids: (table: string) => unknown[]) => void | Promise<void> = () => undefined
  /** Awaited before each begin of a transaction. */
  begins: () => Promise<void> = async () => undefined
  /** Awaited when a commit has taken effect, before it is answered. */
  committed: () => Promise<void> = async () => undefined
  /** Awaited before a claim takes effect. */
  claims: (signal: AbortSignal) => Promise<void> = async () => undefined

  readonly driver: DriverFactory = () => ({
    name: 'ledger',
    blame: (error) => (error instanceof Refusal ? error.to : 'unknown'),
    insert: () => Promise.reject(new Error('a ledger is written in transactions')),
    transactions: {
      claim: async ({ owner }, partitions, signal) => {
        await this.claims(signal)
        return partitions.map(({ topic, partition, topicId }) => {
          const key = `${topic}-${partition}`
          const known = this.#positions.get(key)
          const offset = known?.topicId === topicId ? known?.offset : undefined
          this.#positions.set(key, { owner, topicId, offset })
          return { topic, partition, offset }
        })
      },
      begin: async (owner, signal) => {
        await this.begins()
        return this.#transaction(owner, signal)
      },
    },
    close: async () => undefined,
  })

  ids(table: string): unknown[] {
    return (this.#tables.get(table) ?? []).map(({ id }) => id)
  }

  #transaction({ owner }: OffsetOwner, signal: AbortSignal): SinkTransaction {
    const added: [string, readonly Row[]][] = []
    const moved: [string, number][] = []
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    aborted.catch(() => undefined)
    const seen = (table: string) => [
      ...this.ids(table),
      ...added.flatMap(([name, rows]) => (name === table ? rows.map(({ id }) => id) : [])),
    ]
    return {
      lockOffsets: async (partitions) =>
        partitions.flatMap(({ topic, partition }) => {
          const known = this.#positions.get(`${topic}-${partition}`)
          return known?.owner === owner ? [{ topic, partition, offset: known.offset }] : []
        }),
      moveOffsets: async (offsets) => void moved.push(...offsets.map((at): [string, number] => [`${at.topic}-${at.partition}`, at.offset])),
      insert: async (request) => {
        await Promise.race([this.before(request, seen), aborted])
        added.push([request.table, request.rows])
        return { bytes: request.bytes }
      },
      commit: async () => {
        for (const [table, rows] of added) this.#tables.set(table, [...(this.#tables.get(table) ?? []), ...rows])
        for (const [key, offset] of moved) (this.#positions.get(key) as Position).offset = offset
        this.commits.push(added.reduce((sum, [, rows]) => sum + rows.length, 0))
        await this.committed()
      },
      rollback: async () => undefined,
    }
  }
}
