import type { Queryable } from './queryable.ts'

/** Work of which all takes effect or nothing. */
export async function inTransaction<T>(client: Queryable, work: () => Promise<T>): Promise<T> {
  await client.query({ text: 'begin' })
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
