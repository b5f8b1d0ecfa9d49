/** Error codes of Kafka's protocol that groups answer with. */
export const GROUP_CODE = {
  illegalGeneration: 22,
  inconsistentProtocol: 23,
  unknownMember: 25,
  rebalanceInProgress: 27,
  groupIdNotFound: 69,
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
export const PUT_OUT: ReadonlySet<number> = new Set([
  GROUP_CODE.unknownMember,
  GROUP_CODE.illegalGeneration,
  GROUP_CODE.fencedMemberEpoch,
  GROUP_CODE.groupIdNotFound,
])
/** Neither its name nor its epoch is of use any more: it joins as if it had never been there. */
export const FORGOTTEN: ReadonlySet<number> = new Set([GROUP_CODE.unknownMember, GROUP_CODE.fencedMemberEpoch, GROUP_CODE.groupIdNotFound])
/** Said of a place that the next rebalance may give anew. */
export const OF_PLACE: ReadonlySet<number> = new Set([...MOVED_ON, ...PUT_OUT, GROUP_CODE.fencedInstance])
