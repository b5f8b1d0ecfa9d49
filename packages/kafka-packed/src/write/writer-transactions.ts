import { type OffsetCommit, partitionKey, type TopicPartition } from '@millrace/core'
import type { BrokerConnection } from '../cluster/broker-connection.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { Coordinator } from '../cluster/coordinator.ts'
import { PackedError } from '../errors/packed-error.ts'
import { CODE } from '../errors/protocol-codes.ts'
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
import type { ResolvedWriterOptions } from './writer-options.ts'

type State = 'none' | 'open' | 'committing' | 'aborting'

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
  #isAddingNow = false
  #takesPart = false
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
    const { options } = this.#parts
    const { producerId, producerEpoch } = this.#identity
    const taken = await this.#ask('take over the transactional id', {
      use: (connection) =>
        askIdentity(connection, { id: this.transactionalId, timeoutMs: options.transactionTimeoutMs, producerId, producerEpoch }),
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
    if (this.#isSecond) {
      this.#takesPart = true
      return true
    }
    const key = partitionKey(topic, partition)
    if (this.#added.has(key)) return true
    this.#wanted.set(key, { topic, partition })
    void this.#add()
    return false
  }

  failed(error: PackedError): void {
    if (this.#state === 'none' || this.#failure !== undefined) return
    this.#failure = abortable(error)
    this.#parts.onChange()
  }

  async sendOffsets(offsets: readonly OffsetCommit[], group: GroupMetadata): Promise<void> {
    this.checkOpen()
    if (offsets.length === 0) return
    const { groupId } = group
    try {
      this.#takesPart = true
      const version = this.#isSecond ? COMMIT_OFFSETS.second : COMMIT_OFFSETS.first
      if (!this.#isSecond) {
        const parts = [encodeAddOffsets(this.#producer, groupId)]
        await this.#ask(`add offsets of group '${groupId}'`, {
          use: (connection) => connection.send({ ...ADD_OFFSETS, parts, decode: decodeCode }),
          codeOf: (code) => code,
        })
      }
      const coordinator = this.#groups.get(groupId) ?? this.#coordinatorOf(groupId)
      await coordinator.call({
        use: (connection) =>
          connection.send({
            key: COMMIT_OFFSETS.key,
            version,
            parts: [encodeCommitOffsets(this.#producer, group, offsets)],
            decode: decodePartitionCodes,
          }),
        codeOf: firstCode,
        doing: `commit offsets of group '${groupId}' in a transaction`,
        patienceMs: this.#patienceMs,
      })
    } catch (error) {
      throw this.#told(error as PackedError)
    }
  }

  /** Nothing more becomes part of it: it is about to be committed. */
  end(): void {
    if (this.#state !== 'open' && this.#state !== 'committing')
      throw new TypeError(`commit() comes behind begin(); the state is '${this.#state}'`)
    this.#state = 'committing'
  }

  /** Once everything in it was written. May be called again after it rejected with what is retriable. */
  async commit(): Promise<ProducerIdentity | undefined> {
    if (this.#failure !== undefined) throw this.#failure
    return this.#end('commit')
  }

  /** What is not sent yet will not be: it fails by this. */
  giveUp(): void {
    this.#state = 'aborting'
    this.#failure ??= new PackedError('The transaction is aborted.', { kind: 'abortable' })
    this.#parts.onChange()
  }

  /** Once nothing of it is under way. `isBroken`: records were lost, so that sequence numbers begin anew. May be called again after it rejected. */
  async abort(isBroken: boolean): Promise<ProducerIdentity | undefined> {
    const next = await this.#end('abort')
    if (next !== undefined || !isBroken) return next
    return this.takeOver()
  }

  /** Resolves to whom to go on as, if not as before. */
  async #end(end: 'commit' | 'abort'): Promise<ProducerIdentity | undefined> {
    const version = this.#isSecond ? END_TRANSACTION.second : END_TRANSACTION.first
    let next: ProducerIdentity | undefined
    if (this.#takesPart) {
      try {
        const answer = await this.#ask(`${end} a transaction`, {
          use: (connection) =>
            connection.send({
              key: END_TRANSACTION.key,
              version,
              parts: [encodeEnd(this.#producer, end)],
              decode: (bytes) => decodeEnd(bytes, version),
            }),
          codeOf: ({ code }) => code,
        })
        next = answer.next
      } catch (error) {
        if ((error as PackedError).retriable) throw error
        throw this.#told(error as PackedError)
      }
    }
    if (next !== undefined) this.#identity = next
    this.#state = 'none'
    this.#takesPart = false
    this.#failure = undefined
    this.#added.clear()
    this.#wanted.clear()
    return next
  }

  /** One request at a time. Never rejects. */
  async #add(): Promise<void> {
    if (this.#isAddingNow) return
    this.#isAddingNow = true
    // Those of the same turn go together.
    await Promise.resolve()
    const partitions = [...this.#wanted.values()]
    try {
      this.#takesPart = true
      const parts = [encodeAddPartitions(this.#producer, partitions)]
      await this.#ask('add partitions to a transaction', {
        use: (connection) => connection.send({ ...ADD_PARTITIONS, parts, decode: decodePartitionCodes }),
        codeOf: firstCode,
      })
      for (const { topic, partition } of partitions) this.#added.add(partitionKey(topic, partition))
    } catch (error) {
      this.#failure ??= this.#told(error as PackedError)
    }
    for (const { topic, partition } of partitions) this.#wanted.delete(partitionKey(topic, partition))
    this.#isAddingNow = false
    this.#parts.onChange()
  }

  #ask<T>(
    doing: string,
    { use, codeOf }: { readonly use: (connection: BrokerConnection) => Promise<T>; readonly codeOf: (answer: T) => number },
  ): Promise<T> {
    return this.#coordinator.call({
      use: (connection) => {
        this.#hasSecond = connection.feature('transaction.version') >= 2 && connection.speaks(PRODUCE_ADDING.key, PRODUCE_ADDING.version)
        return use(connection)
      },
      codeOf,
      doing,
      patienceMs: this.#patienceMs,
    })
  }

  /** By what there is to do about it: nothing but to abort, or to open another writer. */
  #told(error: PackedError): PackedError {
    const { code, kind } = error
    if (code === CODE.invalidProducerEpoch || kind === 'fenced') {
      const told = fenced()
      this.#parts.onFatal(told)
      return told
    }
    if (kind === 'fatal' || kind === 'authentication' || kind === 'unsupported' || kind === 'closed') {
      this.#parts.onFatal(error)
      return error
    }
    this.#failure ??= abortable(error)
    return this.#failure
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

/** Where one is wrong, the others were not tried, which says nothing. */
function firstCode(codes: readonly PartitionCode[]): number {
  const wrong = codes.filter(({ code }) => code !== CODE.none)
  return (wrong.find(({ code }) => code !== CODE.operationNotAttempted) ?? wrong[0])?.code ?? CODE.none
}
