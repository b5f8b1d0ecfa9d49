import { ClientError, type ClientErrorKind } from '../client/client-error.ts'
import { kindOf } from '../errors/error-kinds.ts'
import type { RawError } from './raw-api.ts'

/** What the library threw, told or called back with, as an error of the client interface. */
export function toClientError(thrown: unknown): ClientError {
  if (thrown instanceof ClientError) return thrown
  // Some errors come as bare codes, some without one.
  if (typeof thrown === 'number') return new ClientError(`error ${thrown}`, { kind: kindOf(thrown), code: thrown })
  const error = (typeof thrown === 'object' && thrown !== null ? thrown : { message: String(thrown) }) as Partial<RawError>
  const code = typeof error.code === 'number' ? error.code : 0
  return new ClientError(error.message ?? `error ${code}`, { kind: kindOfError(error, code), code, cause: thrown })
}

/** The flags come with errors of transactions only, and say more than the code does. */
function kindOfError(error: Partial<RawError>, code: number): ClientErrorKind {
  const kind = kindOf(code)
  // What the group says of a member says more than that the transaction is over.
  if (kind === 'fenced' || kind === 'member-gone' || kind === 'rebalancing') return kind
  if (error.isFatal === true) return 'fatal'
  if (error.isTxnRequiresAbort === true) return 'abortable'
  if (error.isRetriable === true && kind === 'other') return 'transient'
  return kind
}
