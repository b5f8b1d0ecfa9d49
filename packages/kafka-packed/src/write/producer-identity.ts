import { type API, initProducerIdV3, initProducerIdV4, initProducerIdV5 } from '@platformatic/kafka'
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

/** One that nobody has, from whichever broker answers. Rejects with a `PackedError`, which may be retriable. */
export async function newIdentity(cluster: Cluster): Promise<ProducerIdentity> {
  const { errorCode, producerId, producerEpoch } = await cluster.any((connection) => connection.call(INIT_PRODUCER_ID, null, 0, -1n, -1))
  if (errorCode !== 0) throw refusal(errorCode, 'give a producer id')
  return { producerId: Number(producerId), producerEpoch }
}
