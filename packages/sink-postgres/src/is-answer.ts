import { RowError } from '@millrace/bulk-sink'

/** Whether an error leaves its connection as it was: a row that was never sent, or what the server refused. */
export function isAnswer(error: unknown): boolean {
  return error instanceof RowError || (error as { readonly severity?: unknown } | null)?.severity === 'ERROR'
}
