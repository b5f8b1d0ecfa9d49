import { describeValue, partitionKey, type TopicPartition } from '@millrace/core'
import type { Cluster } from '../cluster/cluster.ts'
import { type CheckedCall, Coordinator } from '../cluster/coordinator.ts'
import { PackedError, type PackedErrorKind } from '../errors/packed-error.ts'
import { CODE } from '../errors/protocol-codes.ts'
import type { PositionCommit } from '../read/read-position.ts'
import { PRODUCE_ADDING } from '../wire/produce.ts'
import {
  ADD_OFFSETS,
  ADD_PARTITIONS,
  COMMIT_OFFSETS,
  decodeCode,
  decodeEnd,
  decodePartitionCodes,
  encodeAddOffsets,
  encodeAddPartitions,
  encodeCommitOffsets,
  encodeEnd,
  END_TRANSACTION,
  type PartitionCode,
  type TransactionalProducer,
} from '../wire/transactions.ts'
import type { GroupMetadata } from '../wire/group-metadata.ts'
import { askIdentity, type ProducerIdentity } from './producer-identity.ts'
import { fenced, type SendingTransaction } from './sender.ts'
import type { WriteFailed } from './write-failed.ts'
import type { ResolvedWriterOptions } from './writer-options.ts'

type State = 'none' | 'open' | 'committing' | 'aborting'

interface Ended {
  /** As whom to go on; absent: as before. */
  readonly next: ProducerIdentity | undefined
  /** What was asked for and never answered may be done only now: under the next epoch it is refused. */
  readonly isUncertain: boolean
}

type Question<T> = Pick<CheckedCall<T>, 'use' | 'codeOf' | 'check'>

/** After these the writer is of no use. */
const FATAL: ReadonlySet<PackedErrorKind> = new Set<PackedErrorKind>(['fatal', 'authentication', 'unsupported', 'closed'])
/** Answers in a row that can't be read before nobody can tell how a transaction ended. */
const MALFORMED_ANSWERS = 3

export interface WriterTransactionsOptions {
  readonly transactionalId: string
  readonly options: ResolvedWriterOptions
  /** A partition takes part, or nothing is sent any more. */
  readonly onChange: () => void
  /** Another has taken over: nothing can be written any more. */
  readonly onFatal: (error: PackedError) => void
}

/** The transactions of one writer, one after the other: who writes, what takes part, and how it ends. */
export class WriterTransactions implements SendingTransaction {
  readonly transactionalId: string
  readonly #cluster: Cluster
  readonly #parts: WriterTransactionsOptions
  readonly #coordinator: Coordinator
  readonly #groups = new Map<string, Coordinator>()
  readonly #added = new Set<string>()
  readonly #wanted = new Map<string, TopicPartition>()
  #identity: ProducerIdentity = { producerId: -1, producerEpoch: -1 }
  #state: State = 'none'
  #adding: Promise<void> | undefined
  readonly #sendingOffsets = new Set<Promise<void>>()
  /** There is something of it at the brokers. */
  #takesPart = false
  /** Requests for something to take part that were never answered: whether it does nobody knows. */
  #unanswered = 0
  /** How it was aborted, if that is done and what follows is not. */
  #ended: Ended | undefined
  /** The cluster has the transactions of KIP-890; as was seen last, and of the one that is open. */
  #hasSecond = false
  #isSecond = false
  #failure: PackedError | undefined

  constructor(cluster: Cluster, parts: WriterTransactionsOptions) {
    this.transactionalId = parts.transactionalId
    this.#cluster = cluster
    this.#parts = parts
    this.#coordinator = new Coordinator(cluster, { type: 'transaction', name: parts.transactionalId, clock: parts.options.clock })
  }

  get identity(): ProducerIdentity {
    return this.#identity
  }

  get state(): State {
    return this.#state
  }

  get isAdding(): boolean {
    return this.#isSecond
  }

  get failure(): PackedError | undefined {
    return this.#failure
  }

  /** Takes over the transactional id, or goes on under its next epoch: ends what is open of it. */
  async takeOver(): Promise<ProducerIdentity> {
    const { producerId, producerEpoch } = this.#identity
    const taken = await this.#ask('take over the transactional id', {
      use: (connection) => askIdentity(connection, { id: this.transactionalId, timeoutMs: this.#patienceMs, producerId, producerEpoch }),
      codeOf: ({ code }) => code,
    })
    this.#identity = { producerId: taken.producerId, producerEpoch: taken.producerEpoch }
    return this.#identity
  }

  begin(): void {
    if (this.#state !== 'none') throw new TypeError(`begin() comes when there is no transaction; this one is ${this.#state}`)
    this.#state = 'open'
    this.#isSecond = this.#hasSecond
  }

  /** Throws unless records and offsets can be part of it. */
  checkOpen(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#state !== 'open')
      throw new TypeError(`begin() comes before records and offsets of a transaction; its state is '${this.#state}'`)
  }

  admits({ topic, partition }: TopicPartition): boolean {
    if (this.#failure !== undefined) return false
    if (this.#isSecond) {
      this.#takesPart = true
      return true
    }
    const key = partitionKey(topic, partition)
    if (this.#added.has(key)) return true
    this.#wanted.set(key, { topic, partition })
    this.#adding ??= this.#add()
    return false
  }

  /** Records of it were not written. */
  failed({ topic, partition, records, record: { key, timestamp }, error }: WriteFailed): void {
    if (this.#state === 'none' || this.#failure !== undefined) return
    const keyed = key === null ? 'without a key' : `with key ${describeValue(Buffer.from(key).toString())}`
    const which = `The first of ${records} records for ${topic}-${partition} that failed by it: one ${keyed}, of time ${timestamp}.`
    const { code } = error
    const record = { topic, partition, key, timestamp }
    this.#failure = new PackedError(`The transaction must be aborted: ${error.message} ${which}`, {
      kind: 'abortable',
      code,
      cause: error,
      record,
    })
    this.#parts.onChange()
  }

  async sendOffsets(offsets: readonly PositionCommit[], group: GroupMetadata): Promise<void> {
    this.checkOpen()
    if (offsets.length === 0) return
    const sending = this.#sendOffsets(offsets, group)
    const settled = sending.then(nothing, nothing)
    this.#sendingOffsets.add(settled)
    try {
      await sending
    } catch (error) {
      throw this.#told(error as PackedError)
    } finally {
      this.#sendingOffsets.delete(settled)
    }
  }

  async #sendOffsets(offsets: readonly PositionCommit[], group: GroupMetadata): Promise<void> {
    const { groupId } = group
    const version = this.#isSecond ? COMMIT_OFFSETS.second : COMMIT_OFFSETS.first
    if (!this.#isSecond) {
      const parts = [encodeAddOffsets(this.#producer, groupId)]
      await this.#takePart(`add offsets of group '${groupId}'`, {
        use: (connection) => connection.send({ ...ADD_OFFSETS, parts, decode: decodeCode }),
        codeOf: (code) => code,
      })
    }
    const coordinator = this.#groups.get(groupId) ?? this.#coordinatorOf(groupId)
    const parts = [encodeCommitOffsets(this.#producer, group, offsets)]
    await coordinator.call({
      use: (connection) => {
        this.#takesPart = true
        return connection.send({ key: COMMIT_OFFSETS.key, version, parts, decode: decodePartitionCodes })
      },
      codeOf: firstCode,
      check: () => this.#checkGoesOn(),
      doing: `commit offsets of group '${groupId}' in a transaction`,
      patienceMs: this.#patienceMs,
    })
  }

  /** Nothing more becomes part of it: it is about to be committed. */
  end(): void {
    if (this.#state !== 'open' && this.#state !== 'committing')
      throw new TypeError(`commit() comes behind begin(); the state is '${this.#state}'`)
    this.#state = 'committing'
  }

  /** Once everything in it was written. May be called again after it rejected with what is retriable. */
  async commit(): Promise<ProducerIdentity | undefined> {
    await this.#nothingUnderWay()
    if (this.#failure !== undefined) throw this.#failure
    const { next } = await this.#end('commit')
    return this.#over(next)
  }

  /** What is not sent yet will not be: it fails by this. */
  giveUp(): void {
    this.#state = 'aborting'
    this.#failure ??= givenUp()
    this.#parts.onChange()
  }

  /** Once nothing of it is under way. `isBroken`: records were lost, so that sequence numbers begin anew. May be called again after it rejected. */
  async abort(isBroken: boolean): Promise<ProducerIdentity | undefined> {
    await this.#nothingUnderWay()
    this.#ended ??= await this.#end('abort')
    const { next, isUncertain } = this.#ended
    if (next !== undefined || !(isBroken || isUncertain)) return this.#over(next)
    try {
      return this.#over(await this.takeOver())
    } catch (error) {
      const refused = error as PackedError
      throw refused.retriable ? refused : this.#fatal(isFenced(refused) ? fenced() : refused)
    }
  }

  /** What was asked for late would become part of the next. Never rejects. */
  async #nothingUnderWay(): Promise<void> {
    await Promise.all(this.#sendingOffsets)
    while (this.#adding !== undefined) await this.#adding
  }

  /** Nothing is open any more. Returns `next`. */
  #over(next: ProducerIdentity | undefined): ProducerIdentity | undefined {
    if (next !== undefined) this.#identity = next
    this.#state = 'none'
    this.#takesPart = false
    this.#unanswered = 0
    this.#ended = undefined
    this.#failure = undefined
    this.#added.clear()
    this.#wanted.clear()
    return next
  }

  async #end(end: 'commit' | 'abort'): Promise<Ended> {
    const isUncertain = this.#unanswered > 0
    if (!this.#takesPart && !isUncertain) return { next: undefined, isUncertain }
    const version = this.#isSecond ? END_TRANSACTION.second : END_TRANSACTION.first
    const call = { key: END_TRANSACTION.key, version, parts: [encodeEnd(this.#producer, end)] }
    let malformed = 0
    try {
      const { next } = await this.#ask(`${end} a transaction`, {
        use: async (connection) => {
          try {
            return await connection.send({ ...call, decode: (bytes) => decodeEnd(bytes, version) })
          } catch (error) {
            throw unreadEnd(error as PackedError, ++malformed)
          }
        },
        // There is none to be aborted: what was not answered was not done.
        codeOf: ({ code }) => (!this.#takesPart && end === 'abort' && code === CODE.invalidTransactionState ? CODE.none : code),
      })
      return { next, isUncertain }
    } catch (error) {
      throw this.#toldOfEnd(error as PackedError)
    }
  }

  /** One request at a time. Never rejects. */
  async #add(): Promise<void> {
    // Those of the same turn go together.
    await Promise.resolve()
    const partitions = [...this.#wanted.values()]
    try {
      const parts = [encodeAddPartitions(this.#producer, partitions)]
      await this.#takePart('add partitions to a transaction', {
        use: (connection) => connection.send({ ...ADD_PARTITIONS, parts, decode: decodePartitionCodes }),
        codeOf: firstCode,
      })
      for (const { topic, partition } of partitions) this.#added.add(partitionKey(topic, partition))
    } catch (error) {
      this.#failure ??= this.#told(error as PackedError)
    }
    for (const { topic, partition } of partitions) this.#wanted.delete(partitionKey(topic, partition))
    this.#adding = undefined
    this.#parts.onChange()
  }

  /** Asks for what becomes part of the transaction. */
  async #takePart<T>(doing: string, { use, codeOf }: Question<T>): Promise<void> {
    await this.#ask(doing, {
      use: async (connection) => {
        this.#unanswered++
        const answer = await use(connection)
        this.#unanswered--
        return answer
      },
      codeOf,
      check: () => this.#checkGoesOn(),
    })
    this.#takesPart = true
  }

  /** Throws once it is given up: nothing more may become part of it. */
  #checkGoesOn(): void {
    if (this.#state === 'aborting') throw this.#failure ?? givenUp()
  }

  #ask<T>(doing: string, { use, codeOf, check }: Question<T>): Promise<T> {
    return this.#coordinator.call({
      use: (connection) => {
        this.#hasSecond = connection.feature('transaction.version') >= 2 && connection.speaks(PRODUCE_ADDING.key, PRODUCE_ADDING.version)
        return use(connection)
      },
      codeOf,
      check,
      doing,
      patienceMs: this.#patienceMs,
    })
  }

  /** By what there is to do about it: nothing but to abort, or to open another writer. */
  #told(error: PackedError): PackedError {
    const { code, kind } = error
    if (isFenced(error)) return this.#fatal(fenced())
    if (FATAL.has(kind) || code === CODE.transactionalIdNotAuthorized) return this.#fatal(error)
    this.#failure ??= abortable(error)
    return this.#failure
  }

  /** Whether it was ended nobody knows: aborting what is committed would make it twice. */
  #toldOfEnd(error: PackedError): PackedError {
    if (error.retriable) return error
    const told = this.#told(error)
    if (told.kind !== 'abortable' || error.kind === 'abortable') return told
    const { code, cause } = error
    return this.#fatal(new PackedError(`How the transaction ended can't be told: ${error.message}`, { kind: 'fatal', code, cause }))
  }

  #fatal(error: PackedError): PackedError {
    this.#parts.onFatal(error)
    return error
  }

  get #patienceMs(): number {
    return this.#parts.options.transactionTimeoutMs
  }

  get #producer(): TransactionalProducer {
    return { transactionalId: this.transactionalId, ...this.#identity }
  }

  #coordinatorOf(groupId: string): Coordinator {
    const coordinator = new Coordinator(this.#cluster, { type: 'group', name: groupId, clock: this.#parts.options.clock })
    this.#groups.set(groupId, coordinator)
    return coordinator
  }
}

function abortable(error: PackedError): PackedError {
  if (error.kind === 'abortable') return error
  return new PackedError(`The transaction must be aborted: ${error.message}`, { kind: 'abortable', code: error.code, cause: error })
}

function isFenced({ code, kind }: PackedError): boolean {
  return code === CODE.invalidProducerEpoch || kind === 'fenced'
}

function givenUp(): PackedError {
  return new PackedError('The transaction is aborted.', { kind: 'abortable' })
}

/** It says nothing of whether the transaction was ended; the same may be asked again. */
function unreadEnd(error: PackedError, times: number): PackedError {
  if (error.kind !== 'malformed' || times >= MALFORMED_ANSWERS) return error
  return new PackedError(error.message, { kind: 'transient', cause: error })
}

function nothing(): void {}

/** Where one is wrong, the others were not tried, which says nothing. */
function firstCode(codes: readonly PartitionCode[]): number {
  const wrong = codes.filter(({ code }) => code !== CODE.none)
  return (wrong.find(({ code }) => code !== CODE.operationNotAttempted) ?? wrong[0])?.code ?? CODE.none
}
