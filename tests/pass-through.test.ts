import { describe, expect, test } from 'vitest'
import { type Serde, serdes, type Stream, TopologyBuilder } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'

/** Text, and which texts were decoded or serialised. */
function watched(): Serde<string> & { readonly decoded: string[]; readonly written: string[] } {
  const decoded: string[] = []
  const written: string[] = []
  const { serializeBatch, deserializeBatch } = serdes.string
  return {
    ...serdes.string,
    givesBack: serdes.string.givesBack,
    decoded,
    written,
    serializeBatch: serializeBatch && ((values) => (written.push(...values), serializeBatch(values))),
    deserializeBatch: deserializeBatch && ((column) => (decoded.push(...deserializeBatch(column)), deserializeBatch(column))),
  }
}

interface Run {
  readonly keys: readonly string[]
  readonly through: (input: Stream<string, string>) => Stream<string, string>
}

async function run({ keys, through }: Run) {
  const key = watched()
  const builder = new TopologyBuilder('pass-through')
  const records = builder.source('in', { topics: ['in'], key, value: serdes.string })
  through(records).sink('out', { topic: 'out', key, value: serdes.string })
  await using driver = await TopologyTestDriver.start(builder.build(), { batchSize: 100 })
  // Latin-1 stands for the bytes themselves.
  const raw = { key: serdes.bytes, value: serdes.string }
  await driver.input('in', raw).sendAll(keys.map((text, i) => ({ key: Buffer.from(text, 'latin1'), value: `v${i}` })))
  const out = await driver.output('out', raw).readAll()
  return { key, out: out.map((record) => [Buffer.from(record.key).toString('latin1'), record.value]) }
}

describe('keys that nobody looks at', () => {
  test('are written as they were read, and never decoded', async () => {
    const { key, out } = await run({
      keys: ['a', 'b', 'c', 'd'],
      through: (input) => input.filterValues('some', (value) => value !== 'v1').mapValues('loud', (value) => value.toUpperCase()),
    })
    expect(out).toEqual([
      ['a', 'V0'],
      ['c', 'V2'],
      ['d', 'V3'],
    ])
    expect([key.decoded, key.written]).toEqual([[], []])
  })

  test('are so behind several nodes, too', async () => {
    const { key, out } = await run({
      keys: ['a', 'b', 'c'],
      through: (input) => input.filterValues('first', (value) => value !== 'v0').filterValues('second', (value) => value !== 'v2'),
    })
    expect(out).toEqual([['b', 'v1']])
    expect([key.decoded, key.written]).toEqual([[], []])
  })

  test('are decoded for who looks, only of the records that are left', async () => {
    const { key, out } = await run({
      keys: ['a', 'b', 'c'],
      through: (input) =>
        input.filterValues('some', (value) => value !== 'v1').mapValues('with key', (value, record) => record.key + value),
    })
    expect(out).toEqual([
      ['a', 'av0'],
      ['c', 'cv2'],
    ])
    expect([key.decoded, key.written]).toEqual([
      ['a', 'c'],
      ['a', 'c'],
    ])
  })

  test('are decoded where what is written would not be what was read', async () => {
    const { key, out } = await run({ keys: ['ok', 'bad\xff'], through: (input) => input.filterValues('all', () => true) })
    expect(out).toEqual([
      ['ok', 'v0'],
      ['bad\xef\xbf\xbd', 'v1'],
    ])
    expect(key.written).toEqual(['ok', 'bad\uFFFD'])
  })
})

test('what has no key passes so too, and a sink with another serde writes what that makes of it', async () => {
  const key = serdes.nullable(serdes.string)
  const json = serdes.nullable(serdes.json<string>())
  const builder = new TopologyBuilder('pass-through')
  const some = builder.source('in', { topics: ['in'], key, value: serdes.string }).filterValues('some', (value) => value !== 'v1')
  some.sink('same', { topic: 'same', key, value: serdes.string })
  some.sink('other', { topic: 'other', key: json, value: serdes.string })
  await using driver = await TopologyTestDriver.start(builder.build(), { batchSize: 2 })
  const raw = { key: serdes.nullable(serdes.bytes), value: serdes.string }
  const keys = [null, 'b', '', 'd', null, 'f']
  await driver.input('in', raw).sendAll(keys.map((text, i) => ({ key: text === null ? null : Buffer.from(text), value: `v${i}` })))
  const read = async (topic: string) =>
    (await driver.output(topic, raw).readAll()).map((record) => [record.key && Buffer.from(record.key).toString(), record.value])
  const left = keys.flatMap((text, i) => (i === 1 ? [] : [[text, `v${i}`]]))
  const order = (rows: readonly (readonly unknown[])[]) => rows.toSorted((a, b) => String(a[1]).localeCompare(String(b[1])))
  expect(order(await read('same'))).toEqual(left)
  expect(order(await read('other'))).toEqual(left.map(([text, value]) => [text === null ? null : JSON.stringify(text), value]))
})
