import { DISTANCE_MS } from '../workloads.ts'
import type { Brokers } from './surroundings.ts'

export interface OwnBroker {
  readonly kind: 'given' | 'docker' | 'java'
  readonly brokers: string
  /** Where each node waits for its proxy. */
  readonly proxied: readonly string[]
  /** Of those that are processes here. */
  processIds(): readonly number[]
  stop(): Promise<void>
}

export interface Proxy extends AsyncDisposable {
  readonly port: number
  readonly address: string
  forwardTo(address: string): void
}

/** What lies outside of this package: of the workspace's tools. */
export interface Tools {
  openBroker(options: {
    readonly nodes: number
    readonly longLived: boolean
    readonly proxyPorts: readonly number[]
    readonly say: (message: string) => void
  }): Promise<OwnBroker>
  /** A proxy whose network takes so long, each way. */
  openProxy(options: { readonly delayMs: number }): Promise<Proxy>
  /** Makes the Kafka Streams application; resolves to what `java` is given. */
  streamsApp(say: (message: string) => void): Promise<readonly string[]>
}

/** The broker that is given, or one of our own with a distant way to it. */
export async function openBrokers(
  given: string | undefined,
  tools: Tools,
  say: (line: string) => void,
): Promise<Brokers & AsyncDisposable> {
  const named = given ?? process.env['KAFKA_BROKERS']
  if (named !== undefined && named !== '') return { brokers: named, processIds: [], [Symbol.asyncDispose]: async () => undefined }
  const proxy = await tools.openProxy({ delayMs: DISTANCE_MS })
  const broker = await tools.openBroker({ nodes: 1, longLived: true, proxyPorts: [proxy.port], say })
  const [target] = broker.proxied
  if (target !== undefined) proxy.forwardTo(target)
  return {
    brokers: broker.brokers,
    distant: proxy.address,
    processIds: broker.processIds(),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await broker.stop()
    },
  }
}
