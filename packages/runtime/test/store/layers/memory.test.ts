import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Serde, serdes } from '@millrace/core'
import { expect, test } from 'vitest'
import { openStore } from './support/open-store.ts'
import { commit, pass } from './support/passes.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void
const MIB = 1_048_576

/** What is still there of all that `work` has made, in bytes. */
async function left(work: () => Promise<void>): Promise<number> {
  const used = () => {
    // Buffers are freed by the collection after the one that finds them.
    collectGarbage()
    collectGarbage()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }
  const before = used()
  await work()
  return used() - before
}

/** Words, each cut from a line of 100,000 characters of its own. */
function cutWords(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const line = Buffer.from(`${String(i).padStart(20, 'w')} ${'x'.repeat(100_000)}`).toString()
    return line.split(' ')[0] as string
  })
}

test.each([
  ['set', true, 16],
  ['read', true, 16],
  ['updated', true, 0],
  ['set, and told apart by their bytes', false, 16],
])('keys that were %s and cut from longer texts do not keep those', async (how, identity, cacheMiB) => {
  const key = { ...serdes.string, identity }
  await using opened = await openStore({ key, value: serdes.int32, cacheBytes: cacheMiB * MIB })
  const { store, handle } = opened
  const bytes = await left(() =>
    pass(store, async () => {
      const words = cutWords(400)
      if (how === 'read') await handle.getBatch(words)
      else if (how === 'updated') await handle.updateBatch(words, () => 1)
      else for (const word of words) handle.set(word, 1)
    }),
  )
  expect(bytes).toBeLessThan(8 * MIB)
})

test('values that are cut from longer texts do not keep those beyond a commit', async () => {
  await using opened = await openStore({ key: serdes.string, value: serdes.string, cacheBytes: 16 * MIB })
  const { store, handle } = opened
  const bytes = await left(async () => {
    await pass(store, () => handle.setBatch(cutWords(400).map((word, i) => [`${i}`, word] as const)))
    await commit(store)
  })
  expect(bytes).toBeLessThan(8 * MIB)
  expect(handle.get('7')).toBe('7'.padStart(20, 'w'))
})

test('what a pass has replaced is let go: at once if it is much, else with the commit', async () => {
  await using opened = await openStore({ key: serdes.string, value: serdes.bytes, cacheBytes: 0 })
  const { store, handle } = opened
  const replace = async (size: number) => {
    const set = (length: number) => () => {
      for (let i = 0; i < 20; i++) handle.set(`${i}`, new Uint8Array(length))
    }
    await pass(store, set(size))
    await pass(store, set(1))
  }
  expect(await left(() => replace(MIB))).toBeLessThan(4 * MIB)
  const bytes = await left(async () => {
    await replace(300_000)
    await commit(store)
  })
  expect(bytes).toBeLessThan(2 * MIB)
})

test('what passes have replaced does not pile up from one pass to the next', async () => {
  await using opened = await openStore({ key: serdes.string, value: serdes.bytes, cacheBytes: 0 })
  const { store, handle } = opened
  const replace = (round: number) => () => {
    for (let i = 0; i < 24 * round; i++) handle.set(`new ${round} ${i}`, new Uint8Array(1))
    for (let i = 0; i < 24; i++) handle.set(`big ${i}`, new Uint8Array(300_000))
  }
  await pass(store, replace(0))
  const bytes = await left(async () => {
    for (let round = 1; round < 10; round++) await pass(store, replace(round))
  })
  expect(bytes).toBeLessThan(4 * MIB)
})

test('a value is counted by its bytes, also when it was read and a commit comes in between', async () => {
  const frozen: Serde<object> = { ...serdes.json<object>(), immutable: true }
  await using opened = await openStore({ key: serdes.string, value: frozen })
  const { store, handle } = opened
  store.begin()
  handle.set('a', { text: 'x'.repeat(10_000) })
  handle.get('a')
  const { attemptBytes } = store
  store.seal()
  expect(store.attemptBytes).toBe(attemptBytes)
  expect(attemptBytes).toBeGreaterThan(10_000)
})
