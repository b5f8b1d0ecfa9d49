import type { TopicPartition } from '@millrace/core'
import type { PackedError, PackedErrorKind } from '@millrace/kafka-packed'
import { ClientError, type ClientErrorKind } from '../client/client-error.ts'
import { kindOf } from '../errors/error-kinds.ts'

/** Kinds of the packed client that say more than the code of the protocol, or come without one. */
const KINDS: Readonly<Partial<Record<PackedErrorKind, ClientErrorKind>>> = {
  unreachable: 'unreachable',
  'timed-out': 'timed-out',
  authentication: 'authentication',
  'not-authorized': 'not-authorized',
  'unknown-topic': 'unknown-topic',
  'offset-out-of-range': 'offset-out-of-range',
  // Its position is not there any more, or others' records are: either way it is for the reader to say where to go on.
  truncated: 'offset-out-of-range',
  'topic-exists': 'topic-exists',
  'record-too-large': 'record-too-large',
  transient: 'transient',
  fenced: 'fenced',
  abortable: 'abortable',
  fatal: 'fatal',
}

/** An error of the packed client, of reading `partition` if that is given, as one of the client interface. What is none stays as it is. */
export function toClientError(error: unknown, partition?: TopicPartition): unknown {
  if (!isPackedError(error)) return error
  const ofCode = kindOf(error.code)
  // What the group says of a member says more than that the transaction is over.
  const isOfMember = ofCode === 'fenced' || ofCode === 'member-gone' || ofCode === 'rebalancing'
  // So does what was refused of a record: without it the next transaction may be committed.
  const isOfRecord = ofCode === 'record-too-large'
  const kind = isOfMember || isOfRecord ? ofCode : (KINDS[error.kind] ?? ofCode)
  return new ClientError(error.message.replace(/\.$/, ''), { kind, code: error.code, cause: error, partition })
}

/** Settles as `promise` does, with errors of the client interface. */
export async function translated<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise
  } catch (error) {
    throw toClientError(error)
  }
}

/** By its name: the package is loaded when it is needed. */
function isPackedError(error: unknown): error is PackedError {
  return error instanceof Error && error.name === 'PackedError'
}
