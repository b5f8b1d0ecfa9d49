import { silentLogger } from 'millrace'
import { memory } from 'millrace/memory'
import { createPublisher } from 'millrace/publisher'
import { expect, test } from 'vitest'
import { events } from '../src/events.ts'
import { run } from '../src/run.ts'
import { startService } from '../src/service.ts'

test('events are published by POST, and refused with a reason; status and metrics are told', async () => {
  const transport = memory()
  const admin = await transport.openAdmin({ logger: silentLogger })
  await admin.createTopics([{ topic: 'orders', partitions: 1 }])
  const publisher = createPublisher({ transport, events, environment: {}, batch: { strategy: 'immediate' } })
  const service = await startService(publisher, 0)
  const post = (body: string) => fetch(`${service.url}/events`, { method: 'POST', body })
  const created = await post(JSON.stringify({ type: 'order.created', payload: { id: '1', total: 2 } }))
  expect(created.status).toBe(201)
  expect(await created.json()).toMatchObject({ topic: 'orders', partition: 0, offset: 0 })
  expect((await post('{')).status).toBe(400)
  const wrong = await post(JSON.stringify({ type: 'order.created', payload: { id: 1, total: 2 } }))
  expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: 'NOT_SERIALIZABLE' }])
  const unknown = await post(JSON.stringify({ type: 'page.viewed', payload: { path: '/' } }))
  expect([unknown.status, await unknown.json()]).toMatchObject([422, { code: 'UNKNOWN_TOPIC', outcome: 'refused' }])
  expect(await (await fetch(`${service.url}/status`)).json()).toMatchObject({ pendingEvents: 0, inFlight: 0 })
  expect(await (await fetch(`${service.url}/metrics`)).json()).toMatchObject({ batch: { delivered_total: 1, failed_total: 1 } })
  expect((await fetch(`${service.url}/other`)).status).toBe(404)
  await publisher.close()
  expect((await post(JSON.stringify({ type: 'order.created', payload: { id: '1', total: 2 } }))).status).toBe(503)
  await service.close()
})

test('the load publishes every event, in far fewer flushes', async () => {
  let said = ''
  const code = await run(['load', '--posts', '300', '--clients', '50'], (text) => {
    said += text
  })
  expect(code).toBe(0)
  expect(said).toContain('300 of 300 events published')
  expect(Number(/in (\d+) flushes/.exec(said)?.[1])).toBeLessThan(150)
  expect(await run(['what'], () => undefined)).toBe(1)
})
