import type { Logger, TopicPartition, TopicPartitionOffset } from '@millrace/core'
import type { Row } from './row.ts'

/** Rows for one table, which are inserted all or none. */
export interface InsertRequest {
  readonly table: string
  readonly rows: readonly Row[]
  /** Serialised, as estimated. */
  readonly bytes: number
  /** The statement to insert with; undefined: the driver's own. */
  readonly statement: string | undefined
  /** Columns that tell whether a row is there already. */
  readonly id: readonly string[]
  /** Whether to compress what is sent, where the driver can. */
  readonly compression: boolean
  /** The same for each try of the same rows. */
  readonly token: string
  /** Aborted when the insert takes too long or is not wanted any more. */
  readonly signal: AbortSignal
}

/** What is known of an insert that waits for its turn. */
export type ComingInsert = Pick<InsertRequest, 'table' | 'rows' | 'statement' | 'id'>

/** What an insert took. */
export interface InsertAnswer {
  /** Bytes that were sent, as far as known. */
  readonly bytes: number
}

/**
 * Who is at fault when an insert fails: `rows`: one of them, which would fail again; `reference`: a row that one of them refers to is not there, and may be yet
 * to be stored; `server`: it is away, overloaded or not ready (a table is missing, a disk is full), and the same rows are inserted once that is over;
 * `size`: the same, and it may help to insert fewer rows at once: it took too long, or too much memory; `unknown`: it is tried again, and then taken apart.
 */
export type Blame = 'rows' | 'reference' | 'server' | 'size' | 'unknown'

/** A partition that a sink begins with. */
export interface ClaimedPartition extends TopicPartition {
  /** Of its topic: what was stored of another topic of the same name does not count. Undefined: nobody knows. */
  readonly topicId?: string | undefined
}

/** Where a partition of a sink is, by the database's own word. */
export interface StoredOffset extends TopicPartition {
  /** Undefined: nothing was stored of it yet. */
  readonly offset: number | undefined
}

/** Whose offsets they are. */
export interface OffsetOwner {
  readonly applicationId: string
  readonly node: string
  /** Tells this process's sink from any other. */
  readonly owner: string
}

/** A database transaction with rows and offsets. */
export interface SinkTransaction {
  /**
   * What is stored of those partitions that are still the owner's, which nobody else can take before this transaction has ended. Of the others nothing may
   * be inserted.
   */
  lockOffsets(partitions: readonly TopicPartition[]): Promise<readonly StoredOffset[]>
  /** Of partitions that were locked. */
  moveOffsets(offsets: readonly TopicPartitionOffset[]): Promise<void>
  /** As {@link SinkDriver.insert}; a failure takes back these rows and nothing else. */
  insert(request: InsertRequest): Promise<InsertAnswer>
  /** Rejects if it failed, or nobody knows whether it did: `lockOffsets` of the next transaction tells. */
  commit(): Promise<void>
  /** Never rejects. */
  rollback(): Promise<void>
}

/** What a driver can that stores offsets beside rows. */
export interface TransactionalDriver {
  /** Makes `owner` the owner of partitions: whoever was it before can commit nothing more. Resolves to what is stored of them; rejects when it is aborted. */
  claim(owner: OffsetOwner, partitions: readonly ClaimedPartition[], signal: AbortSignal): Promise<readonly StoredOffset[]>
  /** Aborted, the transaction is given up, and its calls reject. */
  begin(owner: OffsetOwner, signal: AbortSignal): Promise<SinkTransaction>
}

/** Whether the tokens of a table are remembered for long enough. */
export interface TokensQuestion {
  readonly table: string
  /** How many inserts may come between one and its repeat, at least. */
  readonly inserts: number
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** A database as bulk sinks see it. */
export interface SinkDriver {
  readonly name: string
  /** Inserts all rows or none. Rejects with a {@link RowError} for a row that can't be converted. */
  insert(request: InsertRequest): Promise<InsertAnswer>
  /**
   * Told of rows that wait for their turn while others are being inserted: what it makes of them then keeps nobody waiting later. They may never come, or with
   * others, or not all of them. Must not throw.
   */
  readonly prepare?: ((coming: ComingInsert) => void) | undefined
  /** Who is to blame for what `insert` rejected with. */
  blame(error: unknown): Blame
  /** Present where offsets can be stored in the same transaction as rows. */
  readonly transactions?: TransactionalDriver | undefined
  /** Whether the server drops an insert whose token it has seen, be there `inserts` after it. Resolves to why not; undefined: it does. */
  readonly tokens?: ((question: TokensQuestion) => Promise<string | undefined>) | undefined
  /**
   * Rejects as `insert` would for what its rows are, and stores nothing. Wanted beside `tokens`: rows that share a token are stored by one insert or none, so
   * that those at fault have to be known before.
   */
  readonly check?: ((request: InsertRequest) => Promise<void>) | undefined
  /** Ends connections; what is under way fails. */
  close(): Promise<void>
}

/** Makes the driver of one sink: inert until then. `logger` is the sink's. */
export type DriverFactory = (context?: { readonly logger: Logger }) => SinkDriver
