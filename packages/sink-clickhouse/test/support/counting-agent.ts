import { Agent } from 'node:http'
import type { Socket } from 'node:net'

/** Opens connections as clients do, and knows what was sent over them. */
export class CountingAgent extends Agent {
  readonly #opened: Socket[] = []

  override createConnection(...args: Parameters<Agent['createConnection']>): ReturnType<Agent['createConnection']> {
    const socket = super.createConnection(...args)
    this.#opened.push(socket as Socket)
    return socket
  }

  /** Heads of requests included. */
  get sentBytes(): number {
    return this.#opened.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0)
  }
}
