import type { Queryable } from './queryable.ts'

/** After so long without a word the server ends a transaction: one of a client that stands still, or is out of reach, would keep its rows locked. */
const STALLED_MS = 20_000
/** Begins one. */
export const BEGIN = `begin; set local idle_in_transaction_session_timeout = ${STALLED_MS}`

/**
 * Work of which all takes effect or nothing; nothing, too, if its connection is given up before it is done, however late the server gets to it. Whoever
 * writes the same rows meanwhile waits for its end.
 */
export async function inTransaction<T>(client: Queryable, work: () => Promise<T>): Promise<T> {
  await client.query({ text: BEGIN })
  try {
    const answer = await work()
    await client.query({ text: 'commit' })
    return answer
  } catch (error) {
    // Of a connection that is broken nothing is left to be taken back.
    await client.query({ text: 'rollback' }).catch(() => undefined)
    throw error
  }
}
