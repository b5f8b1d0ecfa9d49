import { setTimeout as pause } from 'node:timers/promises'
import type { InsertRequest } from '@millrace/bulk-sink'
import { isAnswer } from './is-answer.ts'
import type { Queryable } from './queryable.ts'

/** A process of the server that works for one connection. Its number may come again, with another beginning. */
interface Backend {
  readonly pid: number
  readonly began: string
}

const OWN = `select pid, extract(epoch from backend_start)::text as began from pg_stat_activity where pid = pg_backend_pid()`
/** Ends those that are still there; none is left where it gives no row. */
const END = `select pg_terminate_backend(pid) from pg_stat_activity
  where (pid, extract(epoch from backend_start)::text) in (select * from unnest($1::int[], $2::text[]))`
const LOOK_AGAIN_MS = 20

/**
 * Inserts that have ended here without the server's answer, since it came too late or their connection broke, and may be under way there. What is to be stored
 * after them waits until they are not: a cancelled statement may go on, and would be the last to write.
 */
export class UnansweredInserts {
  readonly #backends = new WeakMap<Queryable, Backend>()
  readonly #left = new Map<string, Set<Backend>>()

  /** Calls `work` when nothing is under way any more that inserts into the table had left. */
  async after<T>({ table, signal }: Pick<InsertRequest, 'table' | 'signal'>, client: Queryable, work: () => Promise<T>): Promise<T> {
    await this.#end(table, client)
    const backend = await this.#backendOf(client)
    const leave = () => {
      const left = this.#left.get(table)
      if (left === undefined) this.#left.set(table, new Set([backend]))
      else left.add(backend)
    }
    // The next insert may come before this one is told that its connection is closed.
    signal.addEventListener('abort', leave, { once: true })
    try {
      return await work()
    } catch (error) {
      if (!isAnswer(error)) leave()
      throw error
    } finally {
      signal.removeEventListener('abort', leave)
    }
  }

  async #end(table: string, client: Queryable): Promise<void> {
    const left = this.#left.get(table)
    if (left === undefined) return
    const all = [...left]
    const values = [all.map(({ pid }) => pid), all.map(({ began }) => began)]
    // For as long as the insert may take: its connection is closed then.
    while ((await client.query({ text: END, values })).rows.length > 0) await pause(LOOK_AGAIN_MS)
    for (const backend of all) left.delete(backend)
    if (left.size === 0) this.#left.delete(table)
  }

  async #backendOf(client: Queryable): Promise<Backend> {
    let backend = this.#backends.get(client)
    if (backend === undefined) {
      const { rows } = await client.query({ text: OWN })
      backend = rows[0] as Backend
      this.#backends.set(client, backend)
    }
    return backend
  }
}
