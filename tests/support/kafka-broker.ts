import type { TestProject } from 'vitest/node'
import { openBroker } from '../../tools/broker/broker.mjs'

declare module 'vitest' {
  interface ProvidedContext {
    /** Addresses of a real broker, as clients take them: `host:port,...`. */
    kafkaBrokers: string
    /** The shortest session that the broker allows a member of a group, in milliseconds, or what is short enough. */
    kafkaSessionTimeoutMs: number
  }
}

/** One broker for a whole run of the broker tests. Files keep apart by the names of their topics and groups. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const broker = await openBroker({ say: (message) => process.stderr.write(`${message}\n`) })
  provide('kafkaBrokers', broker.brokers)
  // Kafka's own default where the broker is not of our making.
  provide('kafkaSessionTimeoutMs', broker.kind === 'given' ? 6_000 : 2_000)
  return () => broker.stop()
}
