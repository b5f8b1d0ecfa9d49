import { silentLogger } from 'millrace'
import { expect, test } from 'vitest'
import { observedOrders } from '../src/observed-orders.ts'

test('the dashboard has data, metrics have every kind of names, and orders that are none become dead letters', async () => {
  const orders = await observedOrders(0, silentLogger)
  interface Shown {
    readonly nodes: Readonly<Record<string, number>>
    readonly deadLetters: readonly { readonly reason: string }[]
  }
  const live = async () => (await (await fetch(`${orders.url}/live.json`)).json()) as Shown
  await expect.poll(async () => Object.keys((await live()).nodes)).toContain('totals')
  await expect.poll(async () => (await live()).deadLetters[0]?.reason).toContain('-1 cents')
  const metrics = await (await fetch(`${orders.url}/metrics`)).text()
  for (const name of ['millrace_records_total', 'shop_messages_processed_count', 'process_cpu_seconds_total'])
    expect(metrics).toContain(name)
  await orders.close()
  await orders.running
})
