import { RowError } from '@millrace/bulk-sink'
import { unlessAborted } from '@millrace/core'
import { Pool, type PoolClient, type PoolConfig } from 'pg'
import { cancelQuery } from './cancel-query.ts'

/** A connection that is in use. */
export interface Connection {
  readonly client: PoolClient
  /** Gives it back; `broken`: nobody knows what state it is in, and it is closed. */
  readonly release: (broken: boolean) => void
}

/** Connections, each with somebody who hears what it says while it dies. */
export class Connections {
  readonly #pool: Pool

  constructor(config: PoolConfig) {
    this.#pool = new Pool(config)
    // Of those that nobody uses: the next insert has its own.
    this.#pool.on('error', ignore)
    // For as long as it lives: the server may say that it ends in the same breath with which it lets a client in, before whoever asked for it has it.
    this.#pool.on('connect', (client) => client.on('error', ignore))
  }

  /** For as long as the signal is not aborted: then it is closed, what is under way on it fails, and the server is asked to end it. */
  async take(signal: AbortSignal): Promise<Connection> {
    const client = await this.#connect(signal)
    let released = false
    const release = (broken: boolean) => {
      if (released) return
      released = true
      signal.removeEventListener('abort', abandon)
      client.release(broken)
    }
    const abandon = () => {
      if (!released) cancelQuery(client)
      release(true)
    }
    signal.addEventListener('abort', abandon, { once: true })
    return { client, release }
  }

  /** Rejects as soon as the signal is aborted, however long connecting takes. */
  async #connect(signal: AbortSignal): Promise<PoolClient> {
    signal.throwIfAborted()
    const connecting = this.#pool.connect()
    const client = await unlessAborted(connecting, signal)
    if (client !== undefined && !signal.aborted) return client
    // Whoever is next may have it.
    connecting.then(
      (late) => late.release(),
      () => undefined,
    )
    throw signal.reason
  }

  /** With a connection of its own, which is kept if the server has answered, be it with an error. */
  async use<T>(signal: AbortSignal, work: (client: PoolClient) => Promise<T>): Promise<T> {
    const { client, release } = await this.take(signal)
    try {
      const answer = await work(client)
      release(false)
      return answer
    } catch (error) {
      release(!isAnswer(error))
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

/** Whoever uses a connection is told by what he asked of it. */
function ignore(): void {}

/** Whether an error leaves its connection as it was: a row that was never sent, or what the server refused. */
function isAnswer(error: unknown): boolean {
  return error instanceof RowError || (error as { readonly severity?: unknown } | null)?.severity === 'ERROR'
}
