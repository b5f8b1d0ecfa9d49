import { openBroker } from '../../tools/broker/broker.mjs'

export interface OwnBrokerOptions {
  /** How many. Default: 1. */
  readonly nodes?: number
  /** Of a proxy before each node, through which clients may come. Default: none. */
  readonly proxyPorts?: readonly number[]
}

/** Brokers for one test file alone, which may be killed: also where the others use one that is given, and not ours to stop. */
export async function ownBroker(options: OwnBrokerOptions = {}): Promise<Awaited<ReturnType<typeof openBroker>> & AsyncDisposable> {
  const { KAFKA_BROKERS: _given, ...env } = process.env
  const broker = await openBroker({ ...options, say: (message) => process.stderr.write(`${message}\n`) }, env)
  return { ...broker, [Symbol.asyncDispose]: () => broker.stop() }
}
