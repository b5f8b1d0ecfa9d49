import type {
  DriverFactory,
  InsertAnswer,
  InsertRequest,
  OffsetOwner,
  SinkDriver,
  SinkTransaction,
  TransactionalDriver,
} from '@millrace/bulk-sink'
import { wrongOptions } from '@millrace/core'
import type { PoolClient, PoolConfig } from 'pg'
import { postgresBlame } from './blame.ts'
import type { Column } from './column.ts'
import { columnsOf } from './columns-of.ts'
import { type Connection, Connections } from './connections.ts'
import { insertRows, isOneStatement } from './insert-rows.ts'
import { claimOffsets, createOffsetsTable, lockOffsets, moveOffsets } from './offsets-table.ts'

/** Which PostgreSQL, and how to reach it. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. Default: what `pool` says. */
  readonly url?: string | undefined
  /** Options of `pg`'s pool, such as `ssl`. Default: at most 10 connections, 10 s to connect. */
  readonly pool?: PoolConfig | undefined
}

/** How long connecting may take, in milliseconds. */
const CONNECT_MS = 10_000
/** How long becoming the owner of partitions may take: whoever had them may have a transaction under way. */
const CLAIM_MS = 60_000
/** After so long without a word the server ends a transaction: one of an owner that stands still would keep its partitions locked. */
const STALLED_MS = 20_000
/** Errors after which a table may have other columns than are known. */
const SCHEMA_CODES: ReadonlySet<string> = new Set(['42703', '42804', '42P01', '42P10', '22P02', '22P05'])

/** PostgreSQL for a bulk sink: `unnest`, with ON CONFLICT DO NOTHING. Nothing is connected before the first insert. */
export function postgres(options: PostgresOptions): DriverFactory {
  const { url, pool } = options ?? {}
  if (url === undefined && pool === undefined)
    throw wrongOptions('The options of postgres are wrong', ["url is missing; give one, such as 'postgres://localhost/shop'."])
  return () => new PostgresDriver({ connectionTimeoutMillis: CONNECT_MS, ...(url !== undefined && { connectionString: url }), ...pool })
}

class PostgresDriver implements SinkDriver {
  readonly name = 'postgres'
  readonly blame = postgresBlame
  readonly #connections: Connections
  readonly #columns = new Map<string, Promise<ReadonlyMap<string, Column>>>()
  #hasOffsets = false

  constructor(config: PoolConfig) {
    this.#connections = new Connections(config)
  }

  async insert(request: InsertRequest): Promise<InsertAnswer> {
    return this.#connections.use(request.signal, async (client) => {
      if (isOneStatement(request.rows)) return this.#insert(client, request)
      await client.query('begin')
      const answer = await this.#insert(client, request)
      await client.query('commit')
      return answer
    })
  }

  readonly transactions: TransactionalDriver = {
    claim: (owner, partitions) =>
      this.#connections.use(AbortSignal.timeout(CLAIM_MS), async (client) => {
        if (!this.#hasOffsets) await createOffsetsTable(client)
        this.#hasOffsets = true
        return claimOffsets(client, owner, partitions)
      }),
    begin: async (owner, signal) => {
      const connection = await this.#connections.take(signal)
      try {
        await connection.client.query(`begin; set local idle_in_transaction_session_timeout = ${STALLED_MS}; set constraints all immediate`)
      } catch (error) {
        connection.release(true)
        throw error
      }
      return this.#transaction(connection, owner)
    },
  }

  async close(): Promise<void> {
    await this.#connections.close()
  }

  #transaction({ client, release }: Connection, owner: OffsetOwner): SinkTransaction {
    return {
      lockOffsets: (partitions) => lockOffsets(client, owner, partitions),
      moveOffsets: (offsets) => moveOffsets(client, owner, offsets),
      insert: async (request) => {
        await client.query('savepoint rows')
        try {
          const answer = await this.#insert(client, request)
          await client.query('release savepoint rows')
          return answer
        } catch (error) {
          await client.query('rollback to savepoint rows').catch(() => undefined)
          throw error
        }
      },
      commit: async () => {
        await client.query('commit')
        release(false)
      },
      rollback: async () => {
        await client.query('rollback').then(
          () => release(false),
          () => release(true),
        )
      },
    }
  }

  async #insert(client: PoolClient, request: InsertRequest): Promise<InsertAnswer> {
    try {
      return await insertRows(client, await this.#columnsOf(request.table, client), request)
    } catch (error) {
      if (SCHEMA_CODES.has((error as { code?: string }).code ?? '')) this.#columns.delete(request.table)
      throw error
    }
  }

  #columnsOf(table: string, client: PoolClient): Promise<ReadonlyMap<string, Column>> {
    const known = this.#columns.get(table)
    if (known !== undefined) return known
    const asked = columnsOf(table, client)
    this.#columns.set(table, asked)
    asked.catch(() => this.#columns.delete(table))
    return asked
  }
}
