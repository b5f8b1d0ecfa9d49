import type { Acknowledgement } from 'millrace'
import type { How } from './failing-run.ts'
import type { Topics } from './failing-topology.ts'
import { Member } from './member.ts'

/** What a member whose processor fails is told when it is started. */
export interface FailingMemberConfig {
  readonly brokers: string
  readonly applicationId: string
  readonly topics: Topics
  readonly stateDir: string
  readonly sessionTimeoutMs: number
  readonly how: How
  readonly acknowledgement: Acknowledgement
  /** Values that it always fails with. */
  readonly bad: readonly number[]
  readonly retryDelayMs: number
  /** How long a batch waits for its ten records. */
  readonly batchTimeoutMs: number
  /** Kills itself: when it has half of a batch with such a value, or when a dead letter is on the broker and its offset is not committed. */
  readonly killAt?: { readonly value: number } | 'dead-letter-written' | undefined
}

export class FailingMember extends Member<FailingMemberConfig> {
  constructor(config: FailingMemberConfig) {
    super(config, 'failing-member')
  }
}
