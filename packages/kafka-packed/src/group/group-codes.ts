/** Error codes of Kafka's protocol that groups answer with. */
export const GROUP_CODE = {
  illegalGeneration: 22,
  inconsistentProtocol: 23,
  unknownMember: 25,
  rebalanceInProgress: 27,
  memberIdRequired: 79,
  fencedInstance: 82,
  unstableOffset: 88,
} as const
