import type { GroupRounds } from './group-rounds.ts'
import { Rounds } from './rounds.ts'
import { ServerRounds, type ServerRoundsParts } from './server-rounds.ts'

/** By the protocol that the options name. */
export function roundsFor(parts: ServerRoundsParts): GroupRounds {
  const { cluster, options, events } = parts
  return options.groupProtocol === 'classic' ? new Rounds(cluster, options, events) : new ServerRounds(parts)
}
