import { defineTimestampedKeyValueStore, type KeyValueStore, type ReadOnlyStore, serdes, type ValueAndTimestamp } from '@millrace/core'
import { expect, test } from 'vitest'
import { all, allPages, OpenedShape } from './support/opened-shape.ts'

const open = () => Promise.reject(new Error('not opened here'))
const definition = defineTimestampedKeyValueStore({ name: 'latest', key: serdes.string, value: serdes.string, access: 'sync', open })
const opening = () =>
  new OpenedShape<KeyValueStore<string, ValueAndTimestamp<string>>, ReadOnlyStore<string, ValueAndTimestamp<string>>>(definition)
const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString()

test('values and timestamps are read as they were set, before and after a commit', async () => {
  const opened = opening()
  const { handle } = opened
  await opened.pass(async () => {
    handle.set('a', { value: 'x', timestamp: 5 })
    handle.setBatch([['b', { value: '', timestamp: 2 ** 40 }]])
    expect(handle.get('a')).toEqual({ value: 'x', timestamp: 5 })
    expect(await handle.updateBatch(['a'], (old) => ({ value: `${old?.value}y`, timestamp: 6 }))).toEqual([{ value: 'xy', timestamp: 6 }])
  })
  await opened.commit()
  expect(await opened.committed.getBatch(['a', 'b', 'c'])).toEqual([
    { value: 'xy', timestamp: 6 },
    { value: '', timestamp: 2 ** 40 },
    undefined,
  ])
  expect(await opened.pass(() => all(handle.all()))).toEqual(await allPages(opened.committed.rangePages({})))
})

test('the changelog has the value alone, and the timestamp as that of its record; what is restored is the same', async () => {
  const opened = opening()
  opened.timestamp = 99
  await opened.pass(() => {
    opened.handle.set('a', { value: 'x', timestamp: 5 })
    opened.handle.delete('b')
  })
  await opened.commit()
  expect(opened.changelog.map(({ key, value, timestamp }) => [text(key), text(value), timestamp])).toEqual([
    ['a', 'x', 5],
    ['b', undefined, 99],
  ])
  const restored = await opened.restored()
  expect(await restored.committed.getBatch(['a', 'b'])).toEqual([{ value: 'x', timestamp: 5 }, undefined])
})

test.each([
  ['x', 'it is no { value, timestamp }'],
  [{ value: 'x' }, 'it is no { value, timestamp }'],
  [{ value: 'x', timestamp: -1 }, 'its timestamp is -1'],
  [{ value: undefined, timestamp: 1 }, 'its value is undefined; use delete()'],
])('%j is refused', async (value, reason) => {
  const opened = opening()
  await expect(opened.pass(() => opened.handle.set('a', value as ValueAndTimestamp<string>))).rejects.toThrow(reason)
})
