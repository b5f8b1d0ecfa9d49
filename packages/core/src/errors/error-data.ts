import type { ErrorDetails } from './millrace-error.ts'
import { MillraceError } from './millrace-error.ts'

/** An error on its way to another thread: copied as it is, it would lose its class, its name and its code. */
export interface ErrorData {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly code: string | number | undefined
  readonly cause: ErrorData | undefined
  /** Of a {@link MillraceError}: what it concerns. */
  readonly details?: Omit<ErrorDetails, 'cause'> | undefined
}

/** So many causes of an error are told. */
const MAX_CAUSES = 8

/** Whatever was thrown, as data. */
export function errorData(thrown: unknown, depth = 0): ErrorData {
  if (!(thrown instanceof Error)) {
    const message = typeof thrown === 'string' ? thrown : `something that is no error was thrown: ${String(thrown)}`
    return { name: 'Error', message, stack: undefined, code: undefined, cause: undefined }
  }
  const { name, message, stack, cause } = thrown
  const { code } = thrown as { readonly code?: unknown }
  return {
    name,
    message,
    stack,
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    cause: cause === undefined || depth === MAX_CAUSES ? undefined : errorData(cause, depth + 1),
    ...(thrown instanceof MillraceError && { details: detailsOf(thrown) }),
  }
}

/** The error, as one of this thread: with its name, but only a {@link MillraceError} keeps its class. */
export function errorFrom(data: ErrorData): Error {
  const error = make(data)
  if (error.name !== data.name) Object.defineProperty(error, 'name', { value: data.name, configurable: true, writable: true })
  if (data.stack !== undefined) error.stack = data.stack
  return error
}

function make({ message, code, cause: origin, details }: ErrorData): Error {
  const cause = origin === undefined ? undefined : errorFrom(origin)
  if (details !== undefined) return new MillraceError(String(code), message, { ...details, cause })
  const error = new Error(message, cause === undefined ? undefined : { cause })
  return code === undefined ? error : Object.assign(error, { code })
}

function detailsOf({ stage, retryable, node, task, topic, partition, offset }: MillraceError): Omit<ErrorDetails, 'cause'> {
  return { stage, retryable, node, task, topic, partition, offset }
}
