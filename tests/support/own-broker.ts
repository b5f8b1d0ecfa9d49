import { openBroker } from '../../tools/broker/broker.mjs'

/** A broker for one test alone, which may be killed: also where the others use one that is given, and not ours to stop. */
export async function ownBroker(): Promise<Awaited<ReturnType<typeof openBroker>> & AsyncDisposable> {
  const { KAFKA_BROKERS: _given, ...env } = process.env
  const broker = await openBroker({ nodes: 1, say: (message) => process.stderr.write(`${message}\n`) }, env)
  return { ...broker, [Symbol.asyncDispose]: () => broker.stop() }
}
