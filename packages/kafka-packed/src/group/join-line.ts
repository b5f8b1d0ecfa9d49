import { BrokerConnection } from '../cluster/broker-connection.ts'
import type { BrokerAddress, ResolvedConnectOptions } from '../cluster/connection-options.ts'
import { PackedError } from '../errors/packed-error.ts'

/**
 * The connection on which a member waits for the others of its group: an answer there may take as long as a rebalance, and what is asked behind it waits as long.
 * It is made as soon as any other: only the answers have that time.
 */
export class JoinLine {
  readonly #connect: ResolvedConnectOptions
  readonly #answerMs: number
  #to = ''
  #connection: BrokerConnection | undefined
  #opening = new AbortController()

  constructor(connect: ResolvedConnectOptions, answerMs: number) {
    this.#connect = connect
    this.#answerMs = answerMs
  }

  /** One question at a time. Rejects with a `PackedError`. */
  async ask<T>(address: BrokerAddress, use: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    return use(await this.#connectionTo(address))
  }

  /** What is asked, or about to be, rejects. */
  hangUp(): void {
    this.#opening.abort()
    this.#connection?.close()
    this.#connection = undefined
  }

  async #connectionTo(address: BrokerAddress): Promise<BrokerConnection> {
    const to = `${address.host}:${address.port}`
    if (this.#connection?.isUsable === true && this.#to === to) return this.#connection
    this.hangUp()
    const opening = (this.#opening = new AbortController())
    const connection = await BrokerConnection.open(address, this.#connect, { signal: opening.signal, answerMs: this.#answerMs })
    if (opening.signal.aborted) {
      connection.close()
      throw new PackedError('The connection was given up.', { kind: 'unreachable' })
    }
    this.#to = to
    this.#connection = connection
    return connection
  }
}
