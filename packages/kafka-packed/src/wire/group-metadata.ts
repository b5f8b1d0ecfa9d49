/** A member's place in its group, by which offsets are fenced, those of transactions too (KIP-447). */
export interface GroupMetadata {
  readonly groupId: string
  /** Empty: no member. */
  readonly memberId: string
  /** As the group gave it: of the classic protocol the generation, of KIP-848 the member's epoch. -1: no member. */
  readonly generation: number
  /** Of static members. Default: none. */
  readonly groupInstanceId?: string | undefined
}
