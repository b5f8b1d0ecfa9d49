import { randomUUID } from 'node:crypto'
import { silentLogger } from 'millrace'
import { inject, test } from 'vitest'
import { showsEverything } from './shows-everything.ts'
import { observedOrders } from '../src/observed-orders.ts'

test('the same on a broker', { timeout: 120_000 }, async () => {
  const prefix = `${randomUUID().slice(0, 8)}-`
  await showsEverything(await observedOrders({ port: 0, brokers: inject('kafkaBrokers'), prefix }, silentLogger))
})
