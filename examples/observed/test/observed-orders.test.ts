import { silentLogger } from 'millrace'
import { test } from 'vitest'
import { showsEverything } from './shows-everything.ts'
import { observedOrders } from '../src/observed-orders.ts'

test('the dashboard has data, metrics have every kind of names, and orders that are none become dead letters', async () => {
  await showsEverything(await observedOrders({ port: 0 }, silentLogger))
})
