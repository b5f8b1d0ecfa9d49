import { expect } from 'vitest'
import type { ObservedOrders } from '../src/observed-orders.ts'

/** Waits until all is shown that there is, and closes the shop. */
export async function showsEverything(orders: ObservedOrders): Promise<void> {
  interface Shown {
    readonly nodes: Readonly<Record<string, number>>
    readonly deadLetters: readonly { readonly reason: string; readonly key: string }[]
  }
  const live = async () => (await (await fetch(`${orders.url}/live.json`)).json()) as Shown
  const patience = { timeout: 60_000 }
  await expect.poll(async () => Object.keys((await live()).nodes), patience).toContain('totals')
  await expect.poll(async () => (await live()).deadLetters[0]?.reason, patience).toContain('-1 cents')
  await expect.poll(async () => (await live()).deadLetters.map(({ key }) => key), patience).toContain('order-999')
  const metrics = await (await fetch(`${orders.url}/metrics`)).text()
  for (const name of ['millrace_records_total', 'shop_messages_processed_count', 'process_cpu_seconds_total'])
    expect(metrics).toContain(name)
  await orders.close()
  await orders.running
}
