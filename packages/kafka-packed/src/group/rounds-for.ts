import type { GroupRounds, RoundParts } from './group-rounds.ts'
import { Rounds } from './rounds.ts'
import { ServerRounds } from './server-rounds.ts'

/** By the protocol that the options name. */
export function roundsFor(parts: RoundParts): GroupRounds {
  return parts.options.groupProtocol === 'classic' ? new Rounds(parts) : new ServerRounds(parts)
}
