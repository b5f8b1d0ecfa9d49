import { Pool, type PoolClient, type PoolConfig } from 'pg'

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
    this.#pool.on('error', () => undefined)
  }

  /** For as long as the signal is not aborted: then it is closed, and what is under way on it fails. */
  async take(signal: AbortSignal): Promise<Connection> {
    signal.throwIfAborted()
    const client = await this.#pool.connect()
    const ignore = () => undefined
    client.on('error', ignore)
    let released = false
    const release = (broken: boolean) => {
      if (released) return
      released = true
      signal.removeEventListener('abort', abandon)
      if (!broken) client.off('error', ignore)
      client.release(broken)
    }
    const abandon = () => release(true)
    signal.addEventListener('abort', abandon, { once: true })
    if (signal.aborted) release(true)
    signal.throwIfAborted()
    return { client, release }
  }

  /** With a connection of its own. */
  async use<T>(signal: AbortSignal, work: (client: PoolClient) => Promise<T>): Promise<T> {
    const { client, release } = await this.take(signal)
    let broken = true
    try {
      const answer = await work(client)
      broken = false
      return answer
    } finally {
      release(broken)
    }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}
