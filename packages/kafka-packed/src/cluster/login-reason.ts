import { NetworkError, ProtocolError, ResponseError } from '@platformatic/kafka'

/** What a refused login may be answered. */
interface LoginAnswer {
  /** By which the broker would let clients log in. */
  readonly mechanisms?: readonly string[] | null
}

/** Why a broker refuses a login, of an error and its causes, the outermost first: in its own words, where it says any, and with the mechanisms that it takes. */
export function loginReason(causes: readonly Error[]): string {
  const reasons = causes.flatMap((cause) => {
    // That the connection failed says nothing more.
    if (cause instanceof NetworkError) return []
    return cause instanceof ResponseError ? refusalsOf(cause) : [cause.message]
  })
  return reasons.map((reason) => reason.replace(/\.$/, '')).join(': ')
}

function refusalsOf(answered: ResponseError): string[] {
  const refusals = answered.errors.map((error: unknown) => {
    if (!(error instanceof ProtocolError)) return String(error)
    const ofBroker: unknown = error['serverErrorMessage']
    return typeof ofBroker === 'string' && ofBroker !== '' ? ofBroker : error.message
  })
  const { mechanisms } = answered['response'] as LoginAnswer
  if (mechanisms === undefined || mechanisms === null) return refusals
  return [...refusals, mechanisms.length === 0 ? 'it takes no logins here' : `it takes ${mechanisms.join(', ')}`]
}
