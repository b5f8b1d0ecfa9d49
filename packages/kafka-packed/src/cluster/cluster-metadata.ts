import { partitionKey } from '@millrace/core'
import type { BrokerAddress } from './connection-options.ts'

/** Who leads a partition. */
export interface Leadership {
  readonly leader: number
  /** Counts the leaders the partition has had. */
  readonly epoch: number
}

/** What is used of an answer to a request for metadata, of any version. */
export interface MetadataAnswer {
  readonly brokers: readonly (BrokerAddress & { readonly nodeId: number })[]
  readonly controllerId: number
  readonly topics: readonly MetadataTopic[]
}

export interface MetadataTopic {
  readonly name: string | null | undefined
  readonly errorCode: number
  /** Another one when a topic of this name is made anew; absent, or nothing but zeros: not told. */
  readonly topicId?: string | undefined
  readonly partitions: readonly { readonly partitionIndex: number; readonly leaderId: number; readonly leaderEpoch: number }[]
}

const NO_ID = '00000000-0000-0000-0000-000000000000'

/** What is known of the brokers and of who leads. Only ever put together from answers; a leadership is replaced by none that is older. */
export class ClusterMetadata {
  readonly #brokers = new Map<number, BrokerAddress>()
  readonly #leaders = new Map<string, Leadership>()
  readonly #codes = new Map<string, number>()
  readonly #counts = new Map<string, number>()
  readonly #ids = new Map<string, string>()
  readonly #names = new Map<string, string>()
  #controller = -1

  get brokers(): ReadonlyMap<number, BrokerAddress> {
    return this.#brokers
  }

  get controller(): number {
    return this.#controller
  }

  /** Undefined: it has none now, or nothing is known of it. */
  leadership(topic: string, partition: number): Leadership | undefined {
    return this.#leaders.get(partitionKey(topic, partition))
  }

  /** The broker that leads; undefined: there is none now, or none that is known. */
  leaderOf(topic: string, partition: number): number | undefined {
    const leader = this.leadership(topic, partition)?.leader
    return leader !== undefined && this.#brokers.has(leader) ? leader : undefined
  }

  /** Another one when a topic of this name is made anew; undefined: not known. */
  idOf(topic: string): string | undefined {
    return this.#ids.get(topic)
  }

  /** What was answered of the topic last: 0 when it is there; undefined when it was not asked for. */
  codeOf(topic: string): number | undefined {
    return this.#codes.get(topic)
  }

  /** Of the topic that has this id; undefined: there is none now, or nothing is known of it. */
  nameOf(topicId: string): string | undefined {
    return this.#names.get(topicId)
  }

  /** How many partitions it has; 0 when it is not known. */
  partitionsOf(topic: string): number {
    return this.#counts.get(topic) ?? 0
  }

  take({ brokers, controllerId, topics }: MetadataAnswer): void {
    this.#brokers.clear()
    for (const { nodeId, host, port } of brokers) this.#brokers.set(nodeId, { host, port })
    this.#controller = controllerId
    for (const topic of topics) this.#takeTopic(topic)
  }

  forget(topic: string): void {
    this.#forget(topic, this.#ids.get(topic))
    for (const known of [this.#codes, this.#counts, this.#ids]) known.delete(topic)
  }

  #takeTopic({ name, errorCode, topicId, partitions }: MetadataTopic): void {
    if (name === null || name === undefined) return
    this.#codes.set(name, errorCode)
    if (errorCode !== 0) return
    if (topicId !== undefined && topicId !== NO_ID) {
      const before = this.#ids.get(name)
      // Epochs of a topic made anew begin again.
      if (before !== undefined && before !== topicId) this.#forget(name, before)
      this.#ids.set(name, topicId)
      this.#names.set(topicId, name)
    }
    this.#counts.set(name, partitions.length)
    for (const { partitionIndex, leaderId, leaderEpoch } of partitions) {
      const key = partitionKey(name, partitionIndex)
      const known = this.#leaders.get(key)
      // A broker that is behind may still name the leader before.
      if (known !== undefined && known.epoch > leaderEpoch && leaderEpoch >= 0) continue
      if (leaderId < 0) this.#leaders.delete(key)
      else this.#leaders.set(key, { leader: leaderId, epoch: leaderEpoch })
    }
  }

  #forget(topic: string, topicId: string | undefined): void {
    if (topicId !== undefined) this.#names.delete(topicId)
    for (let partition = 0; partition < this.partitionsOf(topic); partition++) this.#leaders.delete(partitionKey(topic, partition))
  }
}
