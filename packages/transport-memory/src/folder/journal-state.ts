import { partitionKey, type OffsetCommit } from '@millrace/core'

/** A change of everything but records. */
export type JournalEntry =
  | { readonly type: 'format'; readonly version: 1; readonly lastTransactionId: number }
  | {
      readonly type: 'topic'
      readonly id: number
      readonly name: string
      readonly partitions: number
      readonly config: Readonly<Record<string, string>>
    }
  | { readonly type: 'topic-deleted'; readonly name: string }
  | { readonly type: 'start'; readonly topic: string; readonly partition: number; readonly startOffset: number; readonly endOffset: number }
  | { readonly type: 'offsets'; readonly group: string; readonly offsets: readonly OffsetCommit[] }
  /** The decision to commit a transaction, with the offsets that are part of it. */
  | {
      readonly type: 'transaction'
      readonly id: number
      readonly offsets: readonly { readonly group: string; readonly offsets: readonly OffsetCommit[] }[]
    }

export interface JournaledTopic {
  readonly id: number
  readonly name: string
  readonly config: Readonly<Record<string, string>>
  /** By partition. `endOffset` is a lower bound: the segments know better, unless they have been deleted. */
  readonly bounds: { startOffset: number; endOffset: number }[]
}

/** What a journal says when it is read from its beginning; the same when it is written anew from here. */
export class JournalState {
  readonly topics = new Map<string, JournaledTopic>()
  /** Transactions decided to be committed whose partitions may not all know it. */
  readonly decided = new Set<number>()
  readonly #offsets = new Map<string, Map<string, OffsetCommit>>()
  #lastTopicId = 0
  #lastTransactionId = 0

  get nextTopicId(): number {
    return this.#lastTopicId + 1
  }

  get lastTransactionId(): number {
    return this.#lastTransactionId
  }

  sawTransaction(id: number): void {
    if (id > this.#lastTransactionId) this.#lastTransactionId = id
  }

  offsets(): ReadonlyMap<string, readonly OffsetCommit[]> {
    return new Map([...this.#offsets].map(([group, offsets]) => [group, [...offsets.values()]]))
  }

  apply(entry: JournalEntry): void {
    switch (entry.type) {
      case 'format':
        return this.sawTransaction(entry.lastTransactionId)
      case 'topic':
        return this.#addTopic(entry)
      case 'topic-deleted':
        return this.#removeTopic(entry.name)
      case 'start':
        return this.#moveStart(entry)
      case 'offsets':
        return this.#commit(entry.group, entry.offsets)
      case 'transaction':
        this.sawTransaction(entry.id)
        this.decided.add(entry.id)
        for (const { group, offsets } of entry.offsets) this.#commit(group, offsets)
    }
  }

  #addTopic({ id, name, partitions, config }: Extract<JournalEntry, { type: 'topic' }>): void {
    this.#lastTopicId = Math.max(this.#lastTopicId, id)
    const bounds = Array.from({ length: partitions }, () => ({ startOffset: 0, endOffset: 0 }))
    this.topics.set(name, { id, name, config, bounds })
  }

  #removeTopic(name: string): void {
    this.topics.delete(name)
    for (const offsets of this.#offsets.values()) {
      for (const [key, { topic }] of offsets) if (topic === name) offsets.delete(key)
    }
  }

  #moveStart({ topic, partition, startOffset, endOffset }: Extract<JournalEntry, { type: 'start' }>): void {
    const bounds = this.topics.get(topic)?.bounds[partition]
    if (bounds === undefined) return
    bounds.startOffset = startOffset
    bounds.endOffset = endOffset
  }

  #commit(group: string, offsets: readonly OffsetCommit[]): void {
    let own = this.#offsets.get(group)
    if (own === undefined) {
      own = new Map()
      this.#offsets.set(group, own)
    }
    for (const commit of offsets) own.set(partitionKey(commit.topic, commit.partition), commit)
  }

  /** The shortest journal that says the same. */
  entries(): readonly JournalEntry[] {
    const entries: JournalEntry[] = [{ type: 'format', version: 1, lastTransactionId: this.#lastTransactionId }]
    for (const { id, name, config, bounds } of this.topics.values()) {
      entries.push({ type: 'topic', id, name, partitions: bounds.length, config })
      bounds.forEach((own, partition) => {
        if (own.endOffset > 0) entries.push({ type: 'start', topic: name, partition, ...own })
      })
    }
    for (const [group, offsets] of this.offsets()) entries.push({ type: 'offsets', group, offsets })
    for (const id of this.decided) entries.push({ type: 'transaction', id, offsets: [] })
    return entries
  }
}
