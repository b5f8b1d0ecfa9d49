import { ClientError } from '../client/client-error.ts'
import { within } from '../confluent/within.ts'
import type { ResolvedKafkaOptions } from '../options/resolve-options.ts'
import { withOtherAdmin } from './other-admin.ts'
import { failureOf } from './settings-answer.ts'

export interface RemovedMembers {
  readonly groupId: string
  /** Undefined: all. */
  readonly memberIds: readonly string[] | undefined
}

/** Puts members out of a group, through another client, since the one for everything else can't. Rejects with a `ClientError`. */
export async function removeMembers({ groupId, memberIds }: RemovedMembers, options: ResolvedKafkaOptions): Promise<void> {
  const members = memberIds?.map((memberId) => ({ memberId })) ?? null
  try {
    await withOtherAdmin(options, (admin) =>
      within('remove the members of a group', options.requestTimeoutMs, admin.removeMembersFromConsumerGroup({ groupId, members })),
    )
  } catch (error) {
    // Brokers that are away are told as such.
    const { unknownBecause } = failureOf(error)
    throw new ClientError(unknownBecause ?? 'no reason was given', { kind: 'other', code: 0, cause: error })
  }
}
