import { partitionKey, type TopicPartition } from '@millrace/core'
import type { Assigned, Subscription } from './consumer-protocol.ts'
import { placeStandbys } from './place-standbys.ts'

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
  /** Who may have it: has subscribed to all of its topics. */
  readonly eligible: ReadonlySet<string>
}

/**
 * Says who reads what: as evenly as can be, everything where it is, unless that is uneven; what has to move goes where its state is. Cooperative: what another
 * member still has is given to nobody, and that member is not told to keep it; when it has given it up and joins again, it goes to its next owner.
 */
export function assign(input: AssignInput): Map<string, Assigned> {
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

  make(): Map<string, Assigned> {
    const left = this.#keep()
    const isWarm = (unit: Unit): boolean => this.#members.some(({ memberId }) => this.#warmth(unit, memberId) > 0)
    // Those first for which it matters where they go, and that fewest may have.
    const warm = new Set(left.filter(isWarm))
    const inTurn = left.toSorted((one, other) => Number(warm.has(other)) - Number(warm.has(one)) || one.eligible.size - other.eligible.size)
    for (const unit of inTurn) this.#place(unit)
    const standbys = this.#standbys()
    return new Map(
      this.#members.map(({ memberId }) => [memberId, { partitions: this.#free(memberId), standbys: standbys.get(memberId) ?? [] }]),
    )
  }

  #standbys(): Map<string, TopicPartition[]> {
    const units = [...this.#given].flatMap(([owner, given]) =>
      given.map((unit) => ({ ...unit, owner, isPending: unit.partitions.some((one) => this.#isHeldByOthers(one, owner)) })),
    )
    return placeStandbys({ units, members: this.#members, warmth: (unit, memberId) => this.#warmth(unit, memberId) })
  }

  /** Gives each member what nobody else may have, and leaves with it as much of what it has as is its share; returns the rest. */
  #keep(): Unit[] {
    const owned = new Map(this.#members.map(({ memberId }) => [memberId, [] as Unit[]]))
    const left: Unit[] = []
    for (const unit of this.#units) {
      const [only = ''] = unit.eligible
      if (unit.eligible.size === 1) {
        this.#give(unit, only)
        continue
      }
      const owner = this.#ownerOf(unit)
      if (owner === undefined) left.push(unit)
      else owned.get(owner)?.push(unit)
    }
    // Who has most keeps one more than others, where there is one.
    for (const [memberId, units] of [...owned].toSorted(([, one], [, other]) => other.length - one.length)) {
      const others = (unit: Unit): number => Math.max(0, ...this.#others(memberId).map((other) => this.#warmth(unit, other)))
      // What most could have instead goes first; of each kind as much as of the others, and of a kind first what others have the state of.
      const byWarmth = units.toSorted((one, other) => others(one) - others(other))
      const inTurn = spread(byWarmth).toSorted((one, other) => one.eligible.size - other.eligible.size)
      for (const unit of inTurn) {
        if (this.#hasRoom(memberId)) this.#give(unit, memberId)
        else left.push(unit)
      }
    }
    return left
  }

  #place(unit: Unit): void {
    const eligible = this.#members.filter(({ memberId }) => unit.eligible.has(memberId))
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
  #ownerOf({ partitions, eligible }: Unit): string | undefined {
    let owner: string | undefined
    let most = 0
    for (const { memberId } of this.#members) {
      const count = partitions.filter((one) => this.#holders.get(keyOf(one))?.has(memberId) === true).length
      if (count <= most || !eligible.has(memberId)) continue
      owner = memberId
      most = count
    }
    return owner
  }

  #others(memberId: string): string[] {
    return this.#members.map((one) => one.memberId).filter((other) => other !== memberId)
  }

  /** How many of its partitions the member has the state of. */
  #warmth({ partitions }: Pick<Unit, 'partitions'>, memberId: string): number {
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
  const together = coLocate
    ? groupBy(topics, (topic) => String(partitionsOf(topic))).flatMap((alike) => coLocated(alike, members))
    : topics.map((topic) => [topic])
  return together.flatMap((ofKind) => {
    const [first = ''] = ofKind
    const eligible = new Set(subscribersOf(ofKind, members).map(({ memberId }) => memberId))
    return Array.from({ length: partitionsOf(first) }, (_, partition) => ({
      kind: first,
      topics: ofKind,
      partitions: ofKind.map((topic) => ({ topic, partition })),
      eligible,
    }))
  })
}

/**
 * Which of topics with as many partitions as each other have to lie side by side: those that some member reads together. As long as somebody reads all of them, he
 * gets them, and who reads only some, such as a member of the version before, gets none. Where nobody does, there is no side by side for all: those that the same
 * members read stay together, and everything is read by somebody.
 */
function coLocated(topics: readonly string[], members: readonly AssignedMember[]): string[][] {
  let linked: string[][] = topics.map((topic) => [topic])
  for (const { topics: subscribed } of members) {
    const touched = linked.filter((some) => some.some((topic) => subscribed.includes(topic)))
    if (touched.length > 1) linked = [...linked.filter((some) => !touched.includes(some)), touched.flat().toSorted(compare)]
  }
  return linked.flatMap((some) =>
    subscribersOf(some, members).length > 0
      ? [some]
      : groupBy(some, (topic) =>
          subscribersOf([topic], members)
            .map(({ memberId }) => memberId)
            .join(' '),
        ),
  )
}

/** Of all of `topics`. */
function subscribersOf(topics: readonly string[], members: readonly AssignedMember[]): AssignedMember[] {
  return members.filter(({ topics: subscribed }) => topics.every((topic) => subscribed.includes(topic)))
}

/** In the order of the first of each. */
function groupBy(topics: readonly string[], keyOfTopic: (topic: string) => string): string[][] {
  const groups = new Map<string, string[]>()
  for (const topic of topics) {
    const key = keyOfTopic(topic)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [topic])
    else group.push(topic)
  }
  return [...groups.values()]
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
