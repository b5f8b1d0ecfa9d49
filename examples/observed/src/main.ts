import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { observedOrders } from './observed-orders.ts'

const { values } = parseArgs({ options: { port: { type: 'string', default: '9464' }, brokers: { type: 'string' } } })
const orders = await observedOrders({ port: Number(values.port), brokers: values.brokers }, pino({ level: 'info' }, pino.destination(2)))
process.stdout.write(`Look at ${orders.url}, and at ${orders.url}/metrics. Ctrl-C ends it.\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void orders.close())
await orders.running
