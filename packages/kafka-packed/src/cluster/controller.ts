import type { Clock } from '@millrace/core'
import type { PackedError } from '../errors/packed-error.ts'
import { CODE, refusal } from '../errors/protocol-codes.ts'
import { backoffMs } from './backoff.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { Cluster } from './cluster.ts'
import { unlessMoved } from './unless-moved.ts'

export interface ControllerCall<T> {
  readonly use: (connection: BrokerConnection) => Promise<T>
  readonly codeOf: (answer: T) => number
  /** In the broker's words. */
  readonly reasonOf: (answer: T) => string | null | undefined
  /** Completes "Kafka refused to ...". */
  readonly doing: string
}

/** The broker that topics and configurations are changed by; of clusters without ZooKeeper any, which passes it on. */
export class Controller {
  readonly #cluster: Cluster
  readonly #clock: Clock

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster
    this.#clock = clock
  }

  /** Tries until it is answered with 0 or what does not pass by itself, as long as a request may take. Rejects with a `PackedError`. */
  async call<T>({ use, codeOf, reasonOf, doing }: ControllerCall<T>): Promise<T> {
    const until = this.#clock.monotonic() + this.#cluster.options.requestTimeoutMs
    for (let failures = 1; ; failures++) {
      try {
        if (failures > 1) await this.#cluster.refresh()
        const answer = await this.#ask(use)
        const code = codeOf(answer)
        if (code === CODE.none) return answer
        const reason = reasonOf(answer)
        throw refusal(code, typeof reason === 'string' && reason !== '' ? `${doing}: ${reason.replace(/\.$/, '')}` : doing)
      } catch (error) {
        if (!(error as PackedError).retriable || this.#clock.monotonic() >= until) throw error
      }
      await this.#cluster.delay(backoffMs(failures))
    }
  }

  /** Not asked of another while it is there: what is under way would be done twice. */
  async #ask<T>(use: ControllerCall<T>['use']): Promise<T> {
    const { metadata } = this.#cluster
    const node = metadata.controller
    const connection = await this.#cluster.connection(node, 'control')
    return unlessMoved(use(connection), this.#clock, async () => {
      await this.#cluster.refresh()
      return metadata.brokers.has(node)
    })
  }
}
