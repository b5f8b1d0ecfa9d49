import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { partitionQueue, wireBatch } from '../support/wire.ts'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** A batch whose pass is over, and the wire batch that it was made of. */
function passed() {
  const queue = partitionQueue()
  const wire = wireBatch([{ value: 'a' }, { value: 'b' }])
  queue.append(wire, 0)
  const batch = queue.peek(2, 'records', -1)
  expect(batch.values).toEqual(['a', 'b'])
  queue.drop(2)
  return { queue, batch, wire: new WeakRef(wire) }
}

test('a batch that is kept, and a queue that is empty, keep nothing of what was read', async () => {
  const { queue, batch, wire } = passed()
  // What a weak reference was made of lives until the turn ends.
  await new Promise((resolve) => setImmediate(resolve))
  gc()
  expect(wire.deref()).toBeUndefined()
  expect([queue.length, batch.values]).toEqual([0, ['a', 'b']])
})
