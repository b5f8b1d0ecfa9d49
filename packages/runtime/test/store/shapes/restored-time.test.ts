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

const at = (key: string, start: number) => ({ key, start })
const session = (key: string, start: number, end: number) => ({ key, start, end })

type Windows = OpenedShape<WindowStore<string, number>, ReadOnlyWindowStore<string, number>>
type Sessions = OpenedShape<SessionStore<string, number>, ReadOnlySessionStore<string, number>>

const windows = { shape: 'a window store', open: (): Windows => new OpenedShape(ofAnHour), windowAt: at }
/** Seen as a window store of its sessions: what is used of both here is the same. */
const sessions = {
  shape: 'a session store',
  open: () => new OpenedShape(sessionsOfAnHour) satisfies Sessions as unknown as Windows,
  windowAt: (key: string, end: number): ReturnType<typeof at> => session(key, Math.max(0, end - 5_000), end),
}

/** Numbers below a limit, the same for the same seed. */
function numbers(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % limit
  }
}

describe.each([windows, sessions])('$shape that is restored from its changelog', ({ open: openShape, windowAt }) => {
  test.each([
    ['in one commit', false],
    ['in another commit, before compaction', true],
  ])('is as far as it was, also if its latest window was deleted %s: what was too old does not come back', async (_, between) => {
    const opened = openShape()
    const { handle } = opened
    const [old, latest] = [windowAt('a', 0), windowAt('b', 60 * MINUTE)]
    await opened.pass(() => handle.set(old, 1))
    await opened.commit()
    await opened.pass(() => handle.set(latest, 1))
    if (between) await opened.commit()
    await opened.pass(() => handle.delete(latest))
    await opened.commit()
    opened.compact()
    const restored = await opened.restored()
    expect(restored.store.streamTime).toBe(60 * MINUTE)
    expect(await restored.committed.get(old)).toBeUndefined()
    await restored.pass(async () => {
      expect(restored.handle.get(old)).toBeUndefined()
      expect(await restored.handle.updateBatch([old], () => 1)).toEqual([undefined])
    })
  })

  test('is not ahead of what it was: deleting what is later than anything that was set changes nothing', async () => {
    const opened = openShape()
    const { handle } = opened
    await opened.pass(() => handle.set(windowAt('a', 1), 1))
    await opened.pass(() => {
      handle.delete(windowAt('a', 60 * MINUTE + 1))
      handle.deleteBatch([windowAt('b', 60 * MINUTE + 1), windowAt('b', 0)])
      expect(handle.get(windowAt('a', 1))).toBe(1)
    })
    await opened.commit()
    expect(opened.changelog).toHaveLength(2)
    const restored = await opened.restored()
    expect(restored.store.streamTime).toBe(1)
    expect(await restored.committed.get(windowAt('a', 1))).toBe(1)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('holds the same, and has the same time, whatever was set and deleted (seed %i)', async (seed) => {
    const below = numbers(seed)
    const opened = openShape()
    const { handle } = opened
    const failed = new Error('failed')
    let now = 0
    for (let pass = 0; pass < 60; pass++) {
      now += below(10) === 0 ? 30 * MINUTE : below(2 * MINUTE)
      const some = () => windowAt(`k${below(3)}`, Math.max(0, now + below(20 * MINUTE) - (below(4) === 0 ? 70 * MINUTE : 10 * MINUTE)))
      const touched: ReturnType<typeof at>[] = []
      const work = async () => {
        for (let i = 0; i < 5; i++) {
          const window = below(3) === 0 && touched.length > 0 ? (touched[below(touched.length)] as ReturnType<typeof at>) : some()
          touched.push(window)
          const what = below(5)
          if (what === 0) handle.set(window, pass)
          else if (what === 1) handle.delete(window)
          else if (what === 2) handle.setBatch([[window, pass]])
          else if (what === 3) handle.deleteBatch([window, some()])
          else await handle.updateBatch([window], (value = 0) => value + 1)
        }
        // The latest of all, which is gone again at once.
        if (below(6) === 0) {
          handle.set(windowAt('gone', now + 15 * MINUTE), 1)
          handle.delete(windowAt('gone', now + 15 * MINUTE))
        }
        if (below(8) === 0) throw failed
      }
      await opened.pass(work).catch((error: unknown) => {
        if (error !== failed) throw error
      })
      if (below(3) === 0) await opened.commit()
    }
    await opened.commit()
    if (seed % 2 === 0) opened.compact()
    const restored = await opened.restored()
    expect(restored.store.streamTime).toBe(opened.store.streamTime)
    expect(await allPages(restored.handle.fetchAllPages())).toEqual(await allPages(opened.handle.fetchAllPages()))
    const entries = await allPages(opened.committed.fetchAllPages())
    expect(entries.length).toBeGreaterThan(0)
    expect(await allPages(restored.committed.fetchAllPages())).toEqual(entries)
    expect(await all(restored.handle.all())).toEqual(await all(opened.handle.all()))
  })
})
