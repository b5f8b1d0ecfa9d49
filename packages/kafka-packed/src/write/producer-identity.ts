import { type API, initProducerIdV3, initProducerIdV4, initProducerIdV5 } from '@platformatic/kafka'
import type { BrokerConnection } from '../cluster/broker-connection.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { refusal } from '../errors/protocol-codes.ts'

/** By whom a batch is written: brokers keep the order of each, and write nothing twice. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

interface IdentityAnswer {
  readonly errorCode: number
  readonly producerId: bigint
  readonly producerEpoch: number
}

const INIT_PRODUCER_ID: readonly API<[string | null | undefined, number, bigint, number], IdentityAnswer>[] = [
  initProducerIdV5.api,
  initProducerIdV4.api,
  initProducerIdV3.api,
]

export interface IdentityQuestion extends ProducerIdentity {
  /** The transactional id; null: none. */
  readonly id: string | null
  /** Of transactions. */
  readonly timeoutMs: number
}

/** One that nobody has, or the next of the one given. */
export async function askIdentity(
  connection: BrokerConnection,
  { id, timeoutMs, producerId, producerEpoch }: IdentityQuestion,
): Promise<ProducerIdentity & { readonly code: number }> {
  const answer = await connection.call(INIT_PRODUCER_ID, id, timeoutMs, BigInt(producerId), producerEpoch)
  return { code: answer.errorCode, producerId: Number(answer.producerId), producerEpoch: answer.producerEpoch }
}

/** One that nobody has, from whichever broker answers. Rejects with a `PackedError`, which may be retriable. */
export async function newIdentity(cluster: Cluster): Promise<ProducerIdentity> {
  const { code, producerId, producerEpoch } = await cluster.any((connection) =>
    askIdentity(connection, { id: null, timeoutMs: 0, producerId: -1, producerEpoch: -1 }),
  )
  if (code !== 0) throw refusal(code, 'give a producer id')
  return { producerId, producerEpoch }
}
