import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect, test } from 'vitest'
import { CountingApp } from './support/counting-app.ts'

test('batches are published when they begin, when they end, and when they fail', async () => {
  const published: [string, object][] = []
  const note = (message: unknown, name: string | symbol) => void published.push([String(name), message as object])
  const channels = ['millrace:batch:start', 'millrace:batch:stop', 'millrace:batch:error']
  for (const name of channels) subscribe(name, note)
  const before = ({ key }: { key: string }) => {
    if (key === 'bad') throw new Error('refused')
  }
  await using running = await CountingApp.start({ before, definition: { batch: { size: 10, timeoutMs: 1, maxRetries: 0 } } })
  await running.write([
    { key: 'a', partition: 0 },
    { key: 'b', partition: 0 },
  ])
  await running.app.caughtUp()
  await running.write([{ key: 'bad', partition: 0 }])
  await expect(running.ended).rejects.toThrow('refused')
  for (const name of channels) unsubscribe(name, note)
  const batch = { application: 'counting', task: '0_0', topic: 'in', partition: 0 }
  expect(published).toMatchObject([
    ['millrace:batch:start', { ...batch, offset: 0, count: 2 }],
    ['millrace:batch:stop', { ...batch, offset: 0, count: 2, failed: 0 }],
    ['millrace:batch:start', { ...batch, offset: 2, count: 1 }],
    ['millrace:batch:error', { ...batch, error: { message: "Node 'count' failed at in-0, offset 2: refused" } }],
    ['millrace:batch:stop', { ...batch, count: 1, failed: 1 }],
  ])
})
