import { serializeColumn, silentLogger, type Transport } from '@millrace/core'
import { type Order, orderSerdes } from './order-topology.ts'

const EVERY_MS = 100
const AT_ONCE = 50
const CUSTOMERS = 200

/** Orders as they come in to a topic, until they are stopped: 500 a second, each in a trace of its own, one of a thousand no order at all. */
export async function startOrdering(transport: Transport, topic: string): Promise<() => Promise<void>> {
  const writer = await transport.openWriter({ clientId: 'customers' }, { logger: silentLogger })
  let number = 0
  const order = (): Order => {
    const customer = `customer-${Math.floor(CUSTOMERS * Math.random() ** 2)}`
    return number++ % 1_000 === 999 ? { customer, cents: -1 } : { customer, cents: Math.floor(100_000 * Math.random()) }
  }
  let writing: Promise<void> = Promise.resolve()
  const send = async () => {
    const orders = Array.from({ length: AT_ONCE }, order)
    const first = number - AT_ONCE
    const keys = orders.map((_, i) => `order-${first + i}`)
    await writer.writeBatch({
      topic,
      length: orders.length,
      keys: serializeColumn(orderSerdes.key, keys),
      values: serializeColumn(orderSerdes.value, orders),
      timestamps: orders.map(() => Date.now()),
      headers: orders.map(() => [{ key: 'traceparent', value: Buffer.from(`00-${digits(32)}-${digits(16)}-01`) }]),
    })
  }
  const timer = setInterval(() => {
    writing = writing.then(send)
  }, EVERY_MS)
  return async () => {
    clearInterval(timer)
    await writing
    await writer.close()
  }
}

function digits(count: number): string {
  return Array.from({ length: count }, () => Math.floor(16 * Math.random()).toString(16)).join('')
}
