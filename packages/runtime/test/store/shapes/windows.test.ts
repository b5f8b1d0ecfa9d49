import {
  defineSessionStore,
  defineWindowStore,
  type ReadOnlySessionStore,
  type ReadOnlyWindowStore,
  serdes,
  type SessionStore,
  type WindowStore,
} from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { all, allPages, OpenedShape } from './support/opened-shape.ts'

const MINUTE = 60_000
const open = () => Promise.reject(new Error('not opened here'))
const options = { name: 'counts', key: serdes.string, value: serdes.int32, access: 'sync', open } as const
const ofAnHour = defineWindowStore({ ...options, windowSizeMs: 10_000, retentionMs: 60 * MINUTE })
const sessionsOfAnHour = defineSessionStore({ ...options, retentionMs: 60 * MINUTE })

const openWindows = () => new OpenedShape<WindowStore<string, number>, ReadOnlyWindowStore<string, number>>(ofAnHour)
const openSessions = () => new OpenedShape<SessionStore<string, number>, ReadOnlySessionStore<string, number>>(sessionsOfAnHour)

const at = (key: string, start: number) => ({ key, start })
const session = (key: string, start: number, end: number) => ({ key, start, end })
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

describe('a window store', () => {
  test('writes the changelog as Kafka Streams does: key, start of the window, sequence number 0', async () => {
    const opened = openWindows()
    opened.timestamp = 1_234
    await opened.pass(() => opened.handle.set(at('ab', 0x0102030405), 7))
    await opened.commit()
    expect(opened.changelog.map(({ key, value, timestamp }) => [hex(key), hex(value), timestamp])).toEqual([
      ['6162' + '0000000102030405' + '00000000', '00000007', 1_234],
    ])
  })

  test('finds windows by key and start, in batches or at once, also those of this pass', async () => {
    const { handle, pass } = bound(openWindows())
    await pass(async () => {
      handle.setBatch([
        [at('a', 0), 1],
        [at('a', 10_000), 2],
        [at('b', 0), 3],
      ])
      expect(handle.get(at('a', 10_000))).toBe(2)
      expect(await handle.getBatch([at('b', 0), at('a', 0), at('b', 10_000)])).toEqual([3, 1, undefined])
      expect(await handle.updateBatch([at('a', 0), at('c', 0), at('a', 0)], (value = 0) => value + 10)).toEqual([11, 10, 21])
      handle.delete(at('b', 0))
      handle.deleteBatch([at('c', 0)])
      expect(await handle.getBatch([at('a', 0), at('b', 0), at('c', 0)])).toEqual([21, undefined, undefined])
    })
    expect([handle.windowSizeMs, handle.retentionMs]).toEqual([10_000, 60 * MINUTE])
  })

  test('fetches the windows of one key in the order of time, over segments and layers, and of no key that begins as it does', async () => {
    const opened = openWindows()
    const { handle, pass } = bound(opened)
    await pass(() => {
      for (const start of [0, 10_000, 29 * MINUTE, 31 * MINUTE, 59 * MINUTE]) {
        handle.setBatch(['a', 'ab', ''].map((key) => [at(key, start), start]))
      }
    })
    await opened.commit()
    await pass(async () => {
      handle.set(at('a', 45 * MINUTE), 45)
      handle.delete(at('a', 10_000))
      const fetched = await all(handle.fetch('a'))
      expect(fetched.map(([{ start }]) => start)).toEqual([0, 29 * MINUTE, 31 * MINUTE, 45 * MINUTE, 59 * MINUTE])
      expect(fetched[3]).toEqual([at('a', 45 * MINUTE), 45])
      expect(await all(handle.fetch('a', { reverse: true }))).toEqual(fetched.toReversed())
      const within = await all(handle.fetch('a', { from: 29 * MINUTE, to: 45 * MINUTE }))
      expect(within.map(([{ start }]) => start)).toEqual([29 * MINUTE, 31 * MINUTE])
      expect((await handle.fetchBatch(['', 'none', 'ab'])).map((windows) => windows.length)).toEqual([5, 0, 5])
    })
  })

  test('gives all windows of a span of time in pages, by segment, then by key', async () => {
    const opened = openWindows()
    await opened.pass(() =>
      opened.handle.setBatch([
        [at('b', 0), 1],
        [at('a', 40 * MINUTE), 2],
        [at('a', 10_000), 3],
        [at('b', 50 * MINUTE), 4],
      ]),
    )
    await opened.commit()
    expect(await allPages(opened.handle.fetchAllPages())).toEqual([
      [at('a', 10_000), 3],
      [at('b', 0), 1],
      [at('a', 40 * MINUTE), 2],
      [at('b', 50 * MINUTE), 4],
    ])
    expect(await allPages(opened.committed.fetchAllPages({ from: 1, to: 50 * MINUTE }))).toEqual([
      [at('a', 10_000), 3],
      [at('a', 40 * MINUTE), 2],
    ])
    expect((await all(opened.handle.fetchAllPages({}, 3))).map((page) => page.length)).toEqual([3, 1])
  })

  test('shows an iteration the store as it was when that began', async () => {
    const { handle, pass } = bound(openWindows())
    await pass(async () => {
      for (const start of [0, 31 * MINUTE, 59 * MINUTE]) handle.set(at('a', start), 1)
      const iteration = handle.fetch('a')
      const first = (await iteration.next()) as IteratorYieldResult<readonly [unknown, number]>
      handle.set(at('a', 59 * MINUTE), 2)
      handle.set(at('a', 58 * MINUTE), 2)
      const rest = await all(iteration)
      expect([first.value, ...rest].map(([, value]) => value)).toEqual([1, 1, 1])
    })
  })
})

describe('what is too old', () => {
  test('is not found any more, has no effect, and is not updated', async () => {
    const opened = openWindows()
    const { handle, pass } = bound(opened)
    await pass(() => handle.set(at('a', 0), 1))
    await pass(async () => {
      expect(handle.isExpired(at('a', 0))).toBe(false)
      handle.set(at('b', 60 * MINUTE), 1)
      expect(handle.isExpired(at('a', 0))).toBe(true)
      expect(handle.isExpired(at('a', 1))).toBe(false)
      expect(handle.get(at('a', 0))).toBeUndefined()
      expect(await handle.getBatch([at('b', 60 * MINUTE), at('a', 0)])).toEqual([1, undefined])
      expect(await all(handle.fetch('a'))).toEqual([])
      handle.set(at('a', 0), 5)
      handle.setBatch([[at('a', 0), 6]])
      const asked: number[] = []
      const answers = await handle.updateBatch([at('a', 0), at('a', 1), at('a', 0)], (value = 0, index) => {
        asked.push(index)
        return value + 1
      })
      expect(answers).toEqual([undefined, 1, undefined])
      expect(asked).toEqual([1])
    })
    await opened.commit()
    expect(await opened.committed.get(at('a', 0))).toBeUndefined()
    expect(await opened.committed.get(at('a', 1))).toBe(1)
    expect((await allPages(opened.committed.fetchAllPages())).map(([{ start }]) => start)).toEqual([1, 60 * MINUTE])
  })

  test('is what the window before it in the batch makes too old', async () => {
    const { handle, pass } = bound(openWindows())
    const old = at('a', 0)
    await pass(async () => {
      handle.setBatch([
        [old, 1],
        [at('a', 60 * MINUTE), 2],
        [old, 3],
      ])
      expect(await all(handle.fetch('a'))).toEqual([[at('a', 60 * MINUTE), 2]])
    })
  })

  test('comes back with the pass that failed, or the part of it', async () => {
    const { handle, pass, store } = bound(openWindows())
    await pass(() => handle.set(at('a', 0), 1))
    await expect(
      pass(() => {
        handle.set(at('a', 60 * MINUTE), 1)
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    await pass(() => {
      expect(handle.get(at('a', 0))).toBe(1)
      store.keep()
      handle.set(at('a', 60 * MINUTE), 1)
      store.undo()
      expect(handle.get(at('a', 0))).toBe(1)
      handle.set(at('a', 60 * MINUTE), 1)
      store.keep()
      store.undo()
      expect(handle.get(at('a', 0))).toBeUndefined()
    })
  })

  test('is removed from disk when its segment is over, and not before what made it so is committed', async () => {
    const opened = openWindows()
    const { handle, pass } = bound(opened)
    const segment = Array.from({ length: 25_000 }, (_, i) => [at(String(i), 0), 1] as const)
    await pass(() => handle.setBatch(segment))
    await opened.commit()
    await pass(() => handle.set(at('a', 60 * MINUTE), 1))
    await opened.commit()
    expect(await opened.rowsOnDisk()).toBe(25_001)
    await pass(() => handle.set(at('a', 89 * MINUTE + 59_998), 1))
    await opened.commit()
    // The segment of 30 minutes ends with its last window.
    expect(await opened.rowsOnDisk()).toBe(25_002)
    await pass(() => handle.set(at('a', 90 * MINUTE), 1))
    expect(await opened.rowsOnDisk()).toBe(25_002)
    await opened.commit()
    // So many at once, that a commit does not take long for it.
    expect(await opened.rowsOnDisk()).toBe(15_003)
    for (const value of [2, 3]) {
      await pass(() => handle.set(at('a', 90 * MINUTE), value))
      await opened.commit()
    }
    expect(await opened.rowsOnDisk()).toBe(3)
  })

  test('is still shown to queries while the commit that makes it so is under way', async () => {
    const opened = openWindows()
    const { handle, pass, store } = bound(opened)
    await pass(() => handle.set(at('a', 0), 1))
    await opened.commit()
    await pass(() => handle.set(at('a', 60 * MINUTE), 2))
    store.seal()
    const seen = async () => [
      await opened.committed.get(at('a', 0)),
      (await all(opened.committed.fetch('a'))).map(([, value]) => value),
      (await allPages(opened.committed.fetchAllPages())).map(([, value]) => value),
    ]
    expect(await seen()).toEqual([1, [1], [1]])
    await store.persist(Uint8Array.of(1))
    expect(await seen()).toEqual([undefined, [2], [2]])
  })

  test('is not restored', async () => {
    const opened = openWindows()
    for (const [i, start] of [0, 31 * MINUTE, 61 * MINUTE, 91 * MINUTE].entries()) {
      await opened.pass(() => opened.handle.set(at('a', start), i))
      await opened.commit()
    }
    const restored = await opened.restored()
    expect(await all(restored.committed.fetch('a'))).toEqual(await all(opened.committed.fetch('a')))
    expect(await all(restored.handle.fetch('a'))).toEqual([
      [at('a', 61 * MINUTE), 2],
      [at('a', 91 * MINUTE), 3],
    ])
    expect(restored.store.streamTime).toBe(91 * MINUTE)
    expect(await restored.rowsOnDisk()).toBe(3)
  })
})

describe('a session store', () => {
  test('writes the changelog as Kafka Streams does: key, end, start', async () => {
    const opened = openSessions()
    await opened.pass(() => opened.handle.set(session('a', 0x10, 0x20), 1))
    await opened.pass(() => opened.handle.delete(session('a', 0x11, 0x20)))
    await opened.commit()
    expect(opened.changelog.map(({ key, value }) => [hex(key), hex(value)])).toEqual([
      ['61' + '0000000000000020' + '0000000000000010', '00000001'],
      ['61' + '0000000000000020' + '0000000000000011', undefined],
    ])
  })

  test('finds the sessions that a record may belong to, in the order of their ends', async () => {
    const opened = openSessions()
    const { handle, pass } = bound(opened)
    await pass(async () => {
      handle.setBatch([
        [session('a', 0, 100), 1],
        [session('a', 300, 400), 2],
        [session('a', 310, 400), 3],
        [session('a', 500, 40 * MINUTE), 4],
        [session('ab', 300, 400), 5],
      ])
      expect((await all(handle.findSessions('a'))).map(([, value]) => value)).toEqual([1, 2, 3, 4])
      expect((await all(handle.findSessions('a', { earliestEnd: 101, latestStart: 305 }))).map(([, value]) => value)).toEqual([2])
      expect((await all(handle.findSessions('a', { earliestEnd: 400, reverse: true }))).map(([, value]) => value)).toEqual([4, 3, 2])
      expect(await handle.findSessionsBatch(['ab', 'b'], { earliestEnd: 400 })).toEqual([[[session('ab', 300, 400), 5]], []])
      expect(handle.get(session('a', 310, 400))).toBe(3)
      expect(await handle.getBatch([session('a', 310, 401), session('a', 0, 100)])).toEqual([undefined, 1])
    })
    await opened.commit()
    expect((await all(opened.committed.findSessions('a', { latestStart: 300 }))).map(([, value]) => value)).toEqual([1, 2])
    expect(await opened.committed.findSessionsBatch(['ab'])).toEqual([[[session('ab', 300, 400), 5]]])
  })

  test('keeps sessions by their end', async () => {
    const { handle, pass } = bound(openSessions())
    await pass(() => {
      handle.set(session('a', 0, MINUTE), 1)
      handle.set(session('b', 60 * MINUTE, 61 * MINUTE - 1), 1)
      expect(handle.get(session('a', 0, MINUTE))).toBe(1)
      handle.set(session('b', 60 * MINUTE, 61 * MINUTE), 1)
      expect(handle.get(session('a', 0, MINUTE))).toBeUndefined()
    })
  })
})

describe('windows that can not be', () => {
  test.each([
    [{ key: 'a', start: -1 }, "a window's start is -1"],
    [{ key: 'a', start: 1.5 }, "a window's start is 1.5"],
    [{ key: 'a' } as { key: string; start: number }, "a window's start is undefined"],
    ['a' as unknown as { key: string; start: number }, 'a window is { key, start }.'],
  ])('%j is refused', async (window, reason) => {
    const { handle, pass } = bound(openWindows())
    await expect(pass(() => handle.set(window, 1))).rejects.toThrow(reason)
    await expect(pass(() => handle.getBatch([window]))).rejects.toThrow(reason)
    await expect(pass(() => handle.setBatch([[window, 1]]))).rejects.toThrow(reason)
  })

  test('a key that is none is refused, with the name of the store', async () => {
    const { handle, pass } = bound(openWindows())
    const none = null as unknown as string
    await expect(pass(() => all(handle.fetch(none)))).resolves.toEqual([])
    await pass(() => handle.set(at('a', 0), 1))
    await expect(pass(() => all(handle.fetch(none)))).rejects.toThrow("Store 'counts': a key can't be null.")
    await expect(pass(() => handle.set(at(none, 0), 1))).rejects.toThrow("Store 'counts'")
  })

  test('a session that ends before it begins is refused', async () => {
    const { handle, pass } = bound(openSessions())
    await expect(pass(() => handle.set(session('a', 2, 1), 1))).rejects.toThrow("a session's start (2) is after its end (1)")
  })

  test('times of a definition that can not be are refused', () => {
    expect(() => defineWindowStore({ ...options, windowSizeMs: 0, retentionMs: 1 })).toThrow("Store 'counts': windowSizeMs is 0")
    expect(() => defineWindowStore({ ...options, windowSizeMs: 2, retentionMs: 1 })).toThrow('less than windowSizeMs (2)')
    expect(() => defineSessionStore({ ...options, retentionMs: 0.5 })).toThrow('retentionMs is 0.5')
  })
})

function bound<H, C>(opened: OpenedShape<H, C>) {
  return { handle: opened.handle, store: opened.store, pass: <T>(work: () => T | Promise<T>) => opened.pass(work) }
}
