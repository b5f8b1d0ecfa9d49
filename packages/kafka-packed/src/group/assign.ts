import { partitionKey, type TopicPartition } from '@millrace/core'
import type { Subscription } from './consumer-protocol.ts'

/** A member as the leader of a group sees it. */
export interface AssignedMember extends Subscription {
  readonly memberId: string
}

/** What an assignment is made of. */
export interface AssignInput {
  readonly members: readonly AssignedMember[]
  /** How many partitions a topic has; 0: there is no such topic. */
  readonly partitionsOf: (topic: string) => number
  /** Topics with as many partitions as each other have the same of them on one member. */
  readonly coLocate: boolean
}

/** What goes to one member as a whole. */
interface Unit {
  /** Of which members are given about as many each. */
  readonly kind: string
  readonly topics: readonly string[]
  readonly partitions: readonly TopicPartition[]
}

/**
 * Says who reads what: as evenly as can be, everything where it is, unless that is uneven; what has to move goes where its state is. Cooperative: what another
 * member still has is given to nobody, and that member is not told to keep it; when it has given it up and joins again, it goes to its next owner.
 */
export function assign(input: AssignInput): Map<string, TopicPartition[]> {
  return new Assignment(input).make()
}

class Assignment {
  readonly #members: readonly AssignedMember[]
  readonly #units: readonly Unit[]
  /** Who has a partition now, by its key. More than one: nobody may be given it before all but one have let go. */
  readonly #holders = new Map<string, Set<string>>()
  readonly #warm: ReadonlyMap<string, ReadonlySet<string>>
  readonly #given: Map<string, Unit[]>
  readonly #least: number
  /** How many members may have one more than the least. */
  #extra: number

  constructor({ members, partitionsOf, coLocate }: AssignInput) {
    this.#members = members.toSorted((one, other) => compare(one.memberId, other.memberId))
    this.#units = unitsOf(this.#members, partitionsOf, coLocate)
    for (const { memberId, owned } of this.#members) for (const one of owned) this.#hold(one, memberId)
    this.#warm = new Map(this.#members.map(({ memberId, warm }) => [memberId, new Set(warm.map(keyOf))]))
    this.#given = new Map(this.#members.map(({ memberId }) => [memberId, []]))
    this.#least = Math.floor(this.#units.length / Math.max(1, this.#members.length))
    this.#extra = this.#units.length - this.#least * this.#members.length
  }

  make(): Map<string, TopicPartition[]> {
    const left = this.#keep()
    const isWarm = (unit: Unit): boolean => this.#members.some(({ memberId }) => this.#warmth(unit, memberId) > 0)
    // Those first for which it matters where they go.
    for (const unit of [...left.filter(isWarm), ...left.filter((one) => !isWarm(one))]) this.#place(unit)
    return new Map(this.#members.map(({ memberId }) => [memberId, this.#free(memberId)]))
  }

  /** Leaves with each member as much of what it has as is its share; returns the rest. */
  #keep(): Unit[] {
    const owned = new Map(this.#members.map(({ memberId }) => [memberId, [] as Unit[]]))
    const left: Unit[] = []
    for (const unit of this.#units) {
      const owner = this.#ownerOf(unit)
      if (owner === undefined) left.push(unit)
      else owned.get(owner)?.push(unit)
    }
    // Who has most keeps one more than others, where there is one.
    for (const [memberId, units] of [...owned].toSorted(([, one], [, other]) => other.length - one.length)) {
      const others = (unit: Unit): number => Math.max(0, ...this.#others(memberId).map((other) => this.#warmth(unit, other)))
      // What others have the state of goes first, and of each kind as much as of the others.
      const inTurn = spread(units).toSorted((one, other) => others(one) - others(other))
      for (const unit of inTurn) {
        if (this.#hasRoom(memberId)) this.#give(unit, memberId)
        else left.push(unit)
      }
    }
    return left
  }

  #place(unit: Unit): void {
    const eligible = this.#members.filter(({ topics }) => unit.topics.every((topic) => topics.includes(topic)))
    const roomy = eligible.filter(({ memberId }) => this.#hasRoom(memberId))
    let best: { readonly memberId: string; readonly rank: readonly number[] } | undefined
    for (const { memberId } of roomy.length > 0 ? roomy : eligible) {
      const given = this.#given.get(memberId) ?? []
      const rank = [-this.#warmth(unit, memberId), given.length, given.filter(({ kind }) => kind === unit.kind).length]
      if (best === undefined || isBefore(rank, best.rank)) best = { memberId, rank }
    }
    if (best !== undefined) this.#give(unit, best.memberId)
  }

  #hasRoom(memberId: string): boolean {
    const count = this.#given.get(memberId)?.length ?? 0
    return count < this.#least || (count === this.#least && this.#extra > 0)
  }

  #give(unit: Unit, memberId: string): void {
    const given = this.#given.get(memberId)
    if (given === undefined) return
    given.push(unit)
    if (given.length > this.#least) this.#extra--
  }

  /** What the member can have now: it has it already, or nobody has. */
  #free(memberId: string): TopicPartition[] {
    return (this.#given.get(memberId) ?? []).flatMap(({ partitions }) => {
      const free = partitions.filter((one) => !this.#isHeldByOthers(one, memberId))
      const hasSome = partitions.some((one) => this.#holders.get(keyOf(one))?.has(memberId) === true)
      // Half a task is no use to who has none of it.
      return free.length === partitions.length || hasSome ? free : []
    })
  }

  #isHeldByOthers(partition: TopicPartition, memberId: string): boolean {
    const holders = this.#holders.get(keyOf(partition))
    return holders !== undefined && (holders.size > 1 || !holders.has(memberId))
  }

  /** Who has most of it, and reads all of its topics. */
  #ownerOf({ partitions, topics }: Unit): string | undefined {
    let owner: string | undefined
    let most = 0
    for (const { memberId, topics: subscribed } of this.#members) {
      const count = partitions.filter((one) => this.#holders.get(keyOf(one))?.has(memberId) === true).length
      if (count <= most || !topics.every((topic) => subscribed.includes(topic))) continue
      owner = memberId
      most = count
    }
    return owner
  }

  #others(memberId: string): string[] {
    return this.#members.map((one) => one.memberId).filter((other) => other !== memberId)
  }

  /** How many of its partitions the member has the state of. */
  #warmth({ partitions }: Unit, memberId: string): number {
    const warm = this.#warm.get(memberId)
    return warm === undefined || warm.size === 0 ? 0 : partitions.filter((one) => warm.has(keyOf(one))).length
  }

  #hold(partition: TopicPartition, memberId: string): void {
    const holders = this.#holders.get(keyOf(partition))
    if (holders === undefined) this.#holders.set(keyOf(partition), new Set([memberId]))
    else holders.add(memberId)
  }
}

function unitsOf(members: readonly AssignedMember[], partitionsOf: AssignInput['partitionsOf'], coLocate: boolean): Unit[] {
  const topics = [...new Set(members.flatMap(({ topics: subscribed }) => subscribed))].toSorted(compare)
  const kinds = new Map<string, { readonly count: number; readonly topics: string[] }>()
  for (const topic of topics) {
    const count = partitionsOf(topic)
    const kind = coLocate ? String(count) : topic
    const known = kinds.get(kind)
    if (known === undefined) kinds.set(kind, { count, topics: [topic] })
    else known.topics.push(topic)
  }
  return [...kinds].flatMap(([kind, { count, topics: ofKind }]) =>
    Array.from({ length: count }, (_, partition) => ({
      kind,
      topics: ofKind,
      partitions: ofKind.map((topic) => ({ topic, partition })),
    })),
  )
}

/** One of each kind in turn, so that the first so many are of all kinds. */
function spread(units: readonly Unit[]): Unit[] {
  const turns = new Map<string, number>()
  const ranked = units.map((unit) => {
    const turn = turns.get(unit.kind) ?? 0
    turns.set(unit.kind, turn + 1)
    return { unit, turn }
  })
  return ranked.toSorted((one, other) => one.turn - other.turn).map(({ unit }) => unit)
}

function keyOf({ topic, partition }: TopicPartition): string {
  return partitionKey(topic, partition)
}

/** By code units: the same everywhere. */
function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function isBefore(one: readonly number[], other: readonly number[]): boolean {
  for (const [i, rank] of one.entries()) if (rank !== other[i]) return rank < (other[i] ?? 0)
  return false
}
