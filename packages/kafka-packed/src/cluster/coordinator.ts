import type { Clock } from '@millrace/core'
import type { PackedError } from '../errors/packed-error.ts'
import { CODE, mayPass, refusal } from '../errors/protocol-codes.ts'
import { type CoordinatedType, decodeFindCoordinator, encodeFindCoordinator, FIND_COORDINATOR } from '../wire/find-coordinator.ts'
import { backoffMs } from './backoff.ts'
import type { BrokerConnection } from './broker-connection.ts'
import type { Cluster } from './cluster.ts'
import type { BrokerAddress } from './connection-options.ts'
import { unlessMoved } from './unless-moved.ts'

/** It loads, is not available, or has moved. */
const MOVED: ReadonlySet<number> = new Set([14, 15, 16])

export interface CoordinatorCall<T> {
  readonly use: (connection: BrokerConnection) => Promise<T>
  readonly codeOf: (answer: T) => number
  /** Completes "Kafka refused to ...". */
  readonly doing: string
  /** Asked again for so long, in milliseconds, while the coordinator can't be reached or is another. */
  readonly patienceMs: number
}

/** One that somebody may not want any more while it is tried. */
export interface CheckedCall<T> extends CoordinatorCall<T> {
  /** Called before each try, and once there is a connection for it: what it throws ends the call. Default: nothing does. */
  readonly check?: (() => void) | undefined
}

/** The broker that looks after one group or transactional id: looked for when it is first needed, and again whenever it says that it is not the one. */
export class Coordinator {
  readonly #cluster: Cluster
  readonly #type: CoordinatedType
  readonly #name: string
  readonly #clock: Clock
  #node: number | undefined

  constructor(cluster: Cluster, { type, name, clock }: { readonly type: CoordinatedType; readonly name: string; readonly clock: Clock }) {
    this.#cluster = cluster
    this.#type = type
    this.#name = name
    this.#clock = clock
  }

  /** Its id, as far as known. */
  get node(): number | undefined {
    return this.#node
  }

  /** Where it is, as far as known. */
  get address(): BrokerAddress | undefined {
    return this.#node === undefined ? undefined : this.#cluster.metadata.brokers.get(this.#node)
  }

  /** One try, whatever is answered. Rejects with a `PackedError`; a retriable one when it can't be reached, or is another. */
  async once<T>({ use, codeOf, doing }: Omit<CoordinatorCall<T>, 'patienceMs'>): Promise<T> {
    try {
      const answer = await use(await this.#connection())
      const code = codeOf(answer)
      if (MOVED.has(code)) throw refusal(code, doing)
      return answer
    } catch (error) {
      this.#node = undefined
      throw error
    }
  }

  /** Tries until it is answered, whatever that is, or time is over: again where another takes over while the one that was asked is silent. Rejects with a `PackedError`. */
  async answer<T>(call: CoordinatorCall<T>): Promise<T> {
    const until = this.#clock.monotonic() + call.patienceMs
    for (let failures = 1; ; failures++) {
      try {
        return await this.once({ ...call, use: this.unlessMoved(call.use) })
      } catch (error) {
        if (!(error as PackedError).retriable || this.#clock.monotonic() >= until) throw error
      }
      await this.#cluster.delay(backoffMs(failures))
    }
  }

  /** Tries until it is answered with 0 or what does not pass by itself, or time is over. Rejects with a `PackedError`, or what `check` throws. */
  async call<T>({ use, codeOf, doing, patienceMs, check = nothing }: CheckedCall<T>): Promise<T> {
    const until = this.#clock.monotonic() + patienceMs
    for (let failures = 1; ; failures++) {
      check()
      try {
        const connection = await this.#connection()
        check()
        const answer = await use(connection)
        const code = codeOf(answer)
        if (code === CODE.none) return answer
        throw refusal(code, doing)
      } catch (error) {
        const { code } = error as PackedError
        if (code === CODE.none || MOVED.has(code)) this.#node = undefined
        if (!mayPass(error as PackedError) || this.#clock.monotonic() >= until) throw error
      }
      await this.#cluster.delay(backoffMs(failures))
    }
  }

  /** As `use`, but rejects with what is retriable once another is the coordinator while the one that was asked is silent. For what may be done twice. */
  unlessMoved<T>(use: CoordinatorCall<T>['use']): CoordinatorCall<T>['use'] {
    return (connection) =>
      unlessMoved(use(connection), this.#clock, async () => {
        const address = this.#cluster.metadata.brokers.get(await this.#find())
        return address?.host === connection.address.host && address.port === connection.address.port
      })
  }

  async #connection(): Promise<BrokerConnection> {
    this.#node ??= await this.#find()
    return this.#cluster.connection(this.#node, 'coordinator')
  }

  async #find(): Promise<number> {
    const parts = [encodeFindCoordinator(this.#name, this.#type)]
    const found = await this.#cluster.any((connection) => connection.send({ ...FIND_COORDINATOR, parts, decode: decodeFindCoordinator }))
    if (found.code !== CODE.none) throw refusal(found.code, `name the coordinator of ${this.#type} '${this.#name}'`)
    const known = this.#cluster.metadata.brokers.get(found.node)
    // It may be new, or have come back elsewhere.
    if (known?.host !== found.host || known.port !== found.port) await this.#cluster.refresh()
    return found.node
  }
}

function nothing(): void {}
