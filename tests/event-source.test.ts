import { serdes, TopologyBuilder } from 'millrace'
import { dropRepeats, decodeEvents, event, eventSource, packEvents } from 'millrace/publisher'
import { TopologyTestDriver } from 'millrace/testing'
import { inMemory } from '@millrace/store-memory'
import { expect, test } from 'vitest'

const events = { made: event<{ n: number }>({ topic: 'in' }) }
const seen = inMemory.keyValueStore({ name: 'seen', key: serdes.string, value: serdes.string })
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value))
const single = (id: string, n: number) => ({
  key: 'k',
  value: bytes({ n }),
  headers: [
    { key: 'millrace-event-id', value: Buffer.from(id) },
    { key: 'millrace-event-type', value: Buffer.from('made') },
  ],
})
const packed = (...ids: readonly (readonly [string, number])[]) => ({
  key: 'k',
  ...packEvents(ids.map(([id, n]) => ({ id, type: 'made', payload: { n } }))),
})

function topologyWith(remember: number) {
  const builder = new TopologyBuilder('reading')
  eventSource<typeof events>(builder, 'events', { topics: ['in'] })
    .process('once', dropRepeats(seen, { remember }))
    .map('text', ({ value, ...record }) => ({ ...record, key: value.id ?? 'none', value: `${value.type} ${value.payload.n}` }))
    .sink('out', { topic: 'out', key: serdes.string, value: serdes.string })
  return builder.build()
}

test('single events and envelopes are read from one topic, in order, and each id passes once', async () => {
  await using driver = await TopologyTestDriver.start(topologyWith(100))
  const input = driver.input('in', { key: serdes.nullable(serdes.string), value: serdes.nullable(serdes.bytes) })
  const output = driver.output('out', { key: serdes.string, value: serdes.string })
  for (const record of [single('1', 1), packed(['2', 2], ['1', 1], ['3', 3]), single('3', 3), single('4', 4)]) await input.send(record)
  await input.send({ key: 'k', value: null })
  await input.send({ key: 'k', value: bytes({ events: [{ type: 'made', payload: { n: 5 } }] }) })
  expect((await output.readAll()).map(({ key, value }) => [key, value])).toEqual([
    ['1', 'made 1'],
    ['2', 'made 2'],
    ['3', 'made 3'],
    ['4', 'made 4'],
    ['none', 'made 5'],
  ])
})

test('an event without headers is read as one within an envelope is, and its id passes once', async () => {
  await using driver = await TopologyTestDriver.start(topologyWith(100))
  const input = driver.input('in', { key: serdes.nullable(serdes.string), value: serdes.nullable(serdes.bytes) })
  const output = driver.output('out', { key: serdes.string, value: serdes.string })
  const bare = { key: 'k', value: bytes({ id: '1', type: 'made', payload: { n: 1 } }) }
  for (const record of [bare, packed(['1', 1], ['2', 2]), single('3', 3), bare]) await input.send(record)
  await input.send({ key: 'k', value: bytes({ type: 'made', payload: { n: 4 } }) })
  const read = await output.readAll()
  expect(read.map(({ key, value }) => [key, value])).toEqual([
    ['1', 'made 1'],
    ['2', 'made 2'],
    ['3', 'made 3'],
    ['none', 'made 4'],
  ])
  const told = read.map(({ headers }) => headers.map(({ key, value }) => `${key}=${Buffer.from(value ?? []).toString()}`))
  expect(told[0]).toEqual(['millrace-event-id=1', 'millrace-event-type=made'])
})

test('a payload that only looks like an event in part stays a payload', () => {
  const payloads = [
    { id: '1', type: 'made', payload: { n: 1 }, customer: 'ann' },
    { id: '1', type: 7, payload: { n: 1 } },
    { id: '1', type: 'made' },
    { id: '1', payload: { n: 1 } },
    [{ id: '1', type: 'made', payload: { n: 1 } }],
    null,
  ]
  for (const payload of payloads) expect(decodeEvents(bytes(payload), [])).toEqual([{ id: undefined, type: undefined, payload }])
  // The header says what the value is, whatever its shape.
  const value = { id: '1', type: 'inner', payload: { n: 1 } }
  expect(decodeEvents(bytes(value), single('9', 9).headers)).toEqual([{ id: '9', type: 'made', payload: value }])
})

test('as many ids are remembered as asked for, the last ones', async () => {
  await using driver = await TopologyTestDriver.start(topologyWith(2))
  const input = driver.input('in', { key: serdes.nullable(serdes.string), value: serdes.nullable(serdes.bytes) })
  const output = driver.output('out', { key: serdes.string, value: serdes.string })
  for (const id of ['1', '2', '1', '3', '3', '1']) await input.send(single(id, 0))
  expect((await output.readAll()).map(({ key }) => key)).toEqual(['1', '2', '3', '1'])
})

test('keys that are no text are told apart where they are read as bytes', async () => {
  const builder = new TopologyBuilder('reading')
  eventSource<typeof events, Uint8Array | null>(builder, 'events', { topics: ['in'], key: serdes.nullable(serdes.bytes) })
    .mapValues('text', ({ payload }) => String(payload.n))
    .sink('out', { topic: 'out', key: serdes.nullable(serdes.bytes), value: serdes.string })
  await using driver = await TopologyTestDriver.start(builder.build())
  const input = driver.input('in', { key: serdes.nullable(serdes.bytes), value: serdes.nullable(serdes.bytes) })
  const output = driver.output('out', { key: serdes.nullable(serdes.bytes), value: serdes.string })
  for (const byte of [0xff, 0xfe]) await input.send({ ...single(`${byte}`, byte), key: Uint8Array.of(byte) })
  expect((await output.readAll()).map(({ key, value }) => [...(key ?? []), value])).toEqual([
    [0xff, '255'],
    [0xfe, '254'],
  ])
})

test('what is neither says why', () => {
  expect(() => decodeEvents(Buffer.from('{'), [])).toThrow('it is no JSON')
  const headers = packEvents([]).headers
  expect(() => decodeEvents(bytes({ n: 1 }), headers)).toThrow("'events' is undefined")
  expect(() => decodeEvents(bytes({ events: [{ type: 'made' }] }), headers)).toThrow('event 0 of it has no type or no payload')
  expect(decodeEvents(bytes({ events: [{ type: 'made' }] }), [])).toEqual([
    { id: undefined, type: undefined, payload: { events: [{ type: 'made' }] } },
  ])
  expect(() => dropRepeats(seen, { remember: 0 })).toThrow('remember is 0')
})

test('a type with bytes of its own is read by its own function, and what that throws for fails as no event', async () => {
  const own = {
    text: event<string>({ topic: 'in', serialize: (text) => Buffer.from(text), deserialize: (read) => Buffer.from(read).toString('utf8') }),
    made: event<{ n: number }>({ topic: 'in' }),
    broken: event<never>({
      topic: 'in',
      deserialize: () => {
        throw new Error('not so')
      },
    }),
  }
  const builder = new TopologyBuilder('reading')
  eventSource(builder, 'events', { topics: ['in'], events: own })
    .map('text', ({ value, ...record }) => ({ ...record, key: value.type ?? 'none', value: JSON.stringify(value.payload) }))
    .sink('out', { topic: 'out', key: serdes.string, value: serdes.string })
  await using driver = await TopologyTestDriver.start(builder.build())
  const input = driver.input('in', { key: serdes.nullable(serdes.string), value: serdes.nullable(serdes.bytes) })
  const output = driver.output('out', { key: serdes.string, value: serdes.string })
  const header = (type: string) => [{ key: 'millrace-event-type', value: Buffer.from(type) }]
  await input.send({ key: 'k', value: Buffer.from('no { JSON'), headers: header('text') })
  await input.send(single('1', 1))
  expect((await output.readAll()).map(({ key, value }) => [key, value])).toEqual([
    ['text', '"no { JSON"'],
    ['made', '{"n":1}'],
  ])
  expect(() => decodeEvents(bytes(1), header('broken'), own)).toThrow("deserialize of type 'broken' throws")
})
