/** Error codes of Kafka's protocol that groups answer with. */
export const GROUP_CODE = {
  illegalGeneration: 22,
  inconsistentProtocol: 23,
  unknownMember: 25,
  rebalanceInProgress: 27,
  memberIdRequired: 79,
  fencedInstance: 82,
  unstableOffset: 88,
  fencedMemberEpoch: 110,
  unreleasedInstance: 111,
  unsupportedAssignor: 112,
  staleMemberEpoch: 113,
} as const

/** The group rebalances. */
export const MOVED_ON: ReadonlySet<number> = new Set([GROUP_CODE.rebalanceInProgress, GROUP_CODE.staleMemberEpoch])
/** It goes on without this member. */
export const PUT_OUT: ReadonlySet<number> = new Set([GROUP_CODE.unknownMember, GROUP_CODE.illegalGeneration, GROUP_CODE.fencedMemberEpoch])
