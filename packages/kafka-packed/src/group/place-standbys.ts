import type { TopicPartition } from '@millrace/core'
import type { Subscription } from './consumer-protocol.ts'

/** What one member is to have as a whole, as far as its state is concerned. */
export interface OwnedUnit {
  readonly topics: readonly string[]
  readonly partitions: readonly TopicPartition[]
  readonly owner: string
  /** Others have it still: the owner is to follow it until then. */
  readonly isPending: boolean
}

export interface StandbyInput {
  readonly units: readonly OwnedUnit[]
  readonly members: readonly (Pick<Subscription, 'standbys'> & { readonly memberId: string })[]
  /** How much of the unit's state a member has. */
  readonly warmth: (unit: OwnedUnit, memberId: string) => number
}

/**
 * Says who follows the state of what another is to have: for each task as many as the member says that wants most, of those that follow any; evenly, and where its state is already.
 */
export function placeStandbys({ units, members, warmth }: StandbyInput): Map<string, TopicPartition[]> {
  const hosts = members.filter(({ standbys }) => standbys.replicas > 0).map(({ memberId }) => memberId)
  const replicas = Math.max(0, ...members.map(({ standbys }) => standbys.replicas))
  const topics = new Set(members.flatMap(({ standbys }) => standbys.topics))
  const stateful = units.filter((unit) => unit.topics.some((topic) => topics.has(topic)))
  const placed = new Map(hosts.map((memberId) => [memberId, [] as OwnedUnit[]]))
  const copies = (unit: OwnedUnit): number => Math.min(replicas, hosts.filter((host) => host !== unit.owner).length)
  const share = Math.ceil(stateful.reduce((sum, unit) => sum + copies(unit), 0) / Math.max(1, hosts.length))
  for (const unit of stateful) {
    const load = (host: string): number => placed.get(host)?.length ?? 0
    const isFull = (host: string): number => Number(load(host) >= share)
    const candidates = hosts
      .filter((host) => host !== unit.owner)
      .toSorted((one, other) => isFull(one) - isFull(other) || warmth(unit, other) - warmth(unit, one) || load(one) - load(other))
    for (const host of candidates.slice(0, copies(unit))) placed.get(host)?.push(unit)
  }
  for (const unit of stateful) if (unit.isPending) placed.get(unit.owner)?.push(unit)
  return new Map(
    [...placed].map(([host, all]) => [host, all.flatMap(({ partitions }) => partitions.filter(({ topic }) => topics.has(topic)))]),
  )
}
