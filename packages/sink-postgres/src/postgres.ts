import {
  type ComingInsert,
  type DriverFactory,
  type InsertAnswer,
  type InsertRequest,
  type OffsetOwner,
  RowError,
  type SinkDriver,
  type SinkTransaction,
  TableColumns,
  type TransactionalDriver,
} from '@millrace/bulk-sink'
import { wrongOptions } from '@millrace/core'
import type { PoolConfig } from 'pg'
import { postgresBlame } from './blame.ts'
import type { Column } from './column.ts'
import { columnsOf } from './columns-of.ts'
import { type Connection, Connections } from './connections.ts'
import { BEGIN, inTransaction } from './in-transaction.ts'
import { insertRows, statementsOf } from './insert-rows.ts'
import { claimOffsets, createOffsetsTable, lockOffsets, moveOffsets } from './offsets-table.ts'
import { PreparedStatements } from './prepared-statements.ts'

/** Which PostgreSQL, and how to reach it. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. Default: what `pool` says. */
  readonly url?: string | undefined
  /**
   * Options of `pg`'s pool, such as `ssl`. Default: as many connections as the sink has inserts at once (`maxConcurrentInserts`), 10 s to connect. With fewer
   * (`max`) inserts wait for one, and that counts as their time.
   */
  readonly pool?: PoolConfig | undefined
}

/** How long connecting may take, in milliseconds. */
const CONNECT_MS = 10_000
/** More than any sink has inserts at once: connections are opened when they are needed. */
const MOST_CONNECTIONS = 1_010
/** How long becoming the owner of partitions may take: whoever had them may have a transaction under way. */
const CLAIM_MS = 60_000
/** Errors after which a table may have other columns than are known, besides those of rows. */
const SCHEMA_CODES: ReadonlySet<string> = new Set(['42703', '42P01', '42P10', '42704'])

/**
 * PostgreSQL for a bulk sink: `unnest`, with ON CONFLICT DO NOTHING. Nothing is connected before the first insert. A table's `compression` changes nothing: the
 * protocol has none.
 */
export function postgres(options: PostgresOptions): DriverFactory {
  const { url, pool } = options ?? {}
  if (url === undefined && pool === undefined)
    throw wrongOptions('The options of postgres are wrong', ["url is missing; give one, such as 'postgres://localhost/shop'."])
  return () =>
    new PostgresDriver({
      connectionTimeoutMillis: CONNECT_MS,
      max: MOST_CONNECTIONS,
      ...(url !== undefined && { connectionString: url }),
      ...pool,
    })
}

class PostgresDriver implements SinkDriver {
  readonly name = 'postgres'
  readonly blame = postgresBlame
  readonly #connections: Connections
  readonly #columns = new TableColumns<Column>()
  readonly #prepared = new PreparedStatements()
  #hasOffsets = false

  constructor(config: PoolConfig) {
    this.#connections = new Connections(config)
  }

  readonly prepare = (coming: ComingInsert): void => {
    const columns = this.#columns.now(coming.table)
    if (columns !== undefined) this.#prepared.prepare(coming, columns)
  }

  async insert(request: InsertRequest): Promise<InsertAnswer> {
    return this.#connections.use(request.signal, (client) =>
      this.#columns.use({
        table: request.table,
        ask: () => columnsOf(request.table, client),
        work: async (columns) => {
          const statements = this.#prepared.of(request, columns)
          const insert = () => insertRows(client, statements)
          // A statement of the user's may update: once given up, it must not do so over what was written since.
          const isAlone = statements.length === 1 && request.statement === undefined
          return isAlone ? insert() : inTransaction(client, insert)
        },
        isSuspect,
      }),
    )
  }

  readonly transactions: TransactionalDriver = {
    claim: (owner, partitions, signal) =>
      this.#connections.use(AbortSignal.any([signal, AbortSignal.timeout(CLAIM_MS)]), async (client) => {
        if (!this.#hasOffsets) await createOffsetsTable(client)
        this.#hasOffsets = true
        return claimOffsets(client, owner, partitions)
      }),
    begin: async (owner, signal) => {
      const connection = await this.#connections.take(signal)
      try {
        await connection.client.query(`${BEGIN}; set constraints all immediate`)
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
    const takeBack = () => client.query('rollback to savepoint rows').catch(() => undefined)
    return {
      lockOffsets: (partitions) => lockOffsets(client, owner, partitions),
      moveOffsets: (offsets) => moveOffsets(client, owner, offsets),
      insert: async (request) => {
        await client.query('savepoint rows')
        try {
          const answer = await this.#columns.use({
            table: request.table,
            ask: () => columnsOf(request.table, client),
            work: async (columns) => insertRows(client, statementsOf(request, columns)),
            isSuspect: async (error) => {
              if (!isSuspect(error)) return false
              await takeBack()
              return true
            },
          })
          await client.query('release savepoint rows')
          return answer
        } catch (error) {
          await takeBack()
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
}

/** Whether the table may have other columns than are known. */
function isSuspect(error: unknown): boolean {
  return error instanceof RowError || postgresBlame(error) === 'rows' || SCHEMA_CODES.has((error as { code?: string }).code ?? '')
}
