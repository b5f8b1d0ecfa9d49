import { silentLogger } from 'millrace'
import { memory } from 'millrace/memory'
import { createPublisher } from 'millrace/publisher'
import { expect, test } from 'vitest'
import { events } from '../src/events.ts'
import { load } from '../src/load.ts'
import { run, tellLoad } from '../src/run.ts'
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

test('a load of which not everything is published says what was not, and ends with code 1', async () => {
  const transport = memory()
  const admin = await transport.openAdmin({ logger: silentLogger })
  await admin.createTopics(['orders', 'payments'].map((topic) => ({ topic, partitions: 1 })))
  const publisher = createPublisher({ transport, events, environment: {}, batch: { strategy: 'immediate' } })
  const service = await startService(publisher, 0)
  const report = await load(service.url, { posts: 20, clients: 5 })
  await Promise.all([service.close(), publisher.close()])
  expect(report).toMatchObject({ posts: 20, published: 14, refused: new Map([['422 UNKNOWN_TOPIC', 6]]) })
  const gone = await load(service.url, { posts: 3, clients: 1 })
  expect(gone).toMatchObject({ posts: 3, published: 0, refused: new Map([['TypeError: fetch failed', 3]]) })
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  expect(tellLoad(report, 7, say)).toBe(1)
  expect(said[0]).toContain('14 of 20 events published')
  expect(said.at(-1)).toBe('6 of 20 events were not published: 6 with 422 UNKNOWN_TOPIC\n')
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

test('without further options the load is 1,000 POSTs, and each has its event in the log', async () => {
  const transport = memory()
  let said = ''
  const code = await run(
    ['load'],
    (text) => {
      said += text
    },
    () => Promise.resolve(transport),
  )
  expect(said).toContain('1000 of 1000 events published')
  expect(code).toBe(0)
  const admin = await transport.openAdmin({ logger: silentLogger })
  const topics = [...new Set(Object.values(events).map(({ topic }) => topic))]
  const partitions = topics.flatMap((topic) => [0, 1, 2].map((partition) => ({ topic, partition })))
  const ends = await admin.endOffsets(partitions, 'read-committed')
  const perTopic = topics.map((topic) => ends.reduce((sum, end) => (end.topic === topic ? sum + end.offset : sum), 0))
  expect(perTopic).toEqual([334, 333, 333])
})
