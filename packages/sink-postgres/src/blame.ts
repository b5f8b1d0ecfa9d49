import type { Blame } from '@millrace/bulk-sink'

/** Classes of SQLSTATE that say what is wrong with a row: data exceptions, violated constraints, and what is too large for an index, a page or a value. */
const ROW_CLASSES: ReadonlySet<string> = new Set(['22', '23', '54'])
/**
 * Those after which the same rows go in once something has passed, or was put right: connections, invalid transactions, deadlocks, databases and schemas that
 * are missing, resources and quotas, what is in use, operators, the system.
 */
const SERVER_CLASSES: ReadonlySet<string> = new Set(['08', '25', '28', '3D', '3F', '40', '53', '55', '57', '58', 'F0', 'XX'])
/** A value that has the wrong type for its column: of the class of statements that can't be, and yet a row's fault. */
const ROW_CODES: ReadonlySet<string> = new Set(['42804', '42846'])
/** Of the same class, what somebody can put right on the server: a right, a table, a type or the constraint of the id that is missing. Others are a statement's own fault. */
const SERVER_CODES: ReadonlySet<string> = new Set(['42501', '42P01', '42704', '42P10'])
/** It took longer than the server lets a statement take, or more memory than it has. */
const SIZE_CODES: ReadonlySet<string> = new Set(['57014', '53200'])
/** Of class 54, what a statement is and not its rows: too complex, with too many columns or arguments. */
const STATEMENT_CODES: ReadonlySet<string> = new Set(['54001', '54011', '54023'])
/** A foreign key without its row. */
const REFERENCE_CODE = '23503'
/** The server says so of values of a gigabyte, as of its own errors. */
const TOO_LARGE = /invalid memory alloc request size/
const STATE = /^[0-9A-Z]{5}$/

/** Who is to blame for an error of `pg`. One without an SQLSTATE comes from the connection. */
export function postgresBlame(error: unknown): Blame {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code !== 'string' || !STATE.test(code) || !('severity' in (error as object))) return 'server'
  if (code === REFERENCE_CODE) return 'reference'
  if (STATEMENT_CODES.has(code)) return 'unknown'
  if (SIZE_CODES.has(code)) return 'size'
  if (ROW_CODES.has(code) || ROW_CLASSES.has(code.slice(0, 2)) || TOO_LARGE.test(String(message))) return 'rows'
  return SERVER_CODES.has(code) || SERVER_CLASSES.has(code.slice(0, 2)) ? 'server' : 'unknown'
}
