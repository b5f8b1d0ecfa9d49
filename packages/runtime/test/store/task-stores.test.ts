import { type AnyStoreDefinition, deferred, defineKeyValueStore, serdes, type StoreBackend, TaskClosedError } from '@millrace/core'
import { MemoryStoreBackend } from '@millrace/store-memory'
import { describe, expect, test } from 'vitest'
import type { TaskStores } from '../../src/store/task-stores.ts'
import { Restoring, type RestoringOptions } from '../support/restoring.ts'

const text = { key: serdes.string, value: serdes.string }

/** Counts what is open; opening, or the metadata, can be held up. */
class Backends {
  opened = 0
  closed = 0
  /** Which, each time that one is closed. */
  readonly closedBackends: unknown[] = []
  opening: Promise<void> = Promise.resolve()
  closing: Promise<void> = Promise.resolve()
  metadata = async (): Promise<Uint8Array | undefined> => undefined

  definition(name: string): AnyStoreDefinition {
    const open = async (): Promise<StoreBackend> => {
      await this.opening
      this.opened++
      const backend = new MemoryStoreBackend()
      const close = backend.close.bind(backend)
      return Object.assign(backend, {
        metadata: () => this.metadata(),
        close: async () => {
          await this.closing
          this.closed++
          this.closedBackends.push(backend)
          return close()
        },
      })
    }
    return defineKeyValueStore({ name, ...text, access: 'sync', open })
  }
}

/** Resolves when all has run that waits for nothing. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

async function withStores(
  work: (stores: TaskStores, backends: Backends) => Promise<void>,
  holdTask?: RestoringOptions['holdTask'],
): Promise<void> {
  await using restoring = await Restoring.open({ holdTask })
  const backends = new Backends()
  await work(restoring.storesOf('0_0', [backends.definition('a'), backends.definition('b')]), backends)
}

describe('the stores of a task that is closed', () => {
  test('while one is being opened: it is closed as soon as it is open, and no other is opened', () =>
    withStores(async (stores, backends) => {
      const gate = deferred<void>()
      backends.opening = gate.promise
      const opening = stores.open([])
      opening.catch(() => undefined)
      let closed = false
      const closing = stores.close().then(() => {
        closed = true
      })
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      // Who opens the folder next must not find it locked.
      expect(closed).toBe(false)
      gate.resolve()
      await closing
      await expect(opening).rejects.toThrow(TaskClosedError)
      expect([backends.opened, backends.closed]).toEqual([1, 1])
    }))

  test('before they were opened: none is opened', () =>
    withStores(async (stores, backends) => {
      await stores.close()
      await expect(stores.open([])).rejects.toThrow(TaskClosedError)
      expect(backends.opened).toBe(0)
    }))

  test('before one is begun anew: it is not opened again', () =>
    withStores(async (stores, backends) => {
      await stores.open([])
      const [entry] = stores.all
      await stores.close()
      await expect(stores.renew(entry as never, 'for a test')).rejects.toThrow(TaskClosedError)
      expect([backends.opened, backends.closed]).toEqual([2, 2])
    }))

  test('while one is begun anew: it is closed again', () =>
    withStores(async (stores, backends) => {
      await stores.open([])
      const [entry] = stores.all
      const gate = deferred<void>()
      backends.opening = gate.promise
      const renewing = stores.renew(entry as never, 'for a test')
      renewing.catch(() => undefined)
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      const closing = stores.close()
      gate.resolve()
      await closing
      await expect(renewing).rejects.toThrow(TaskClosedError)
      expect([backends.opened, backends.closed]).toEqual([3, 3])
    }))
})

describe('stores that are still being closed here', () => {
  async function closing(work: (next: TaskStores, backends: Backends, letGo: () => void) => Promise<void>): Promise<void> {
    await using restoring = await Restoring.open()
    const backends = new Backends()
    const of = () => restoring.storesOf('0_0', [backends.definition('a')])
    const gate = deferred<void>()
    const before = of()
    await before.open([])
    backends.closing = gate.promise
    const ended = before.close()
    await work(of(), backends, gate.resolve)
    gate.resolve()
    await ended
  }

  test('are not opened again before they are closed', () =>
    closing(async (next, backends, letGo) => {
      const opening = next.open([])
      await turn()
      expect([backends.opened, backends.closed]).toEqual([1, 0])
      letGo()
      await opening
      expect([backends.opened, backends.closed]).toEqual([2, 1])
      await next.close()
    }))

  test('are waited for no more by a task that is closed', () =>
    closing(async (next, backends) => {
      const opening = next.open([])
      opening.catch(() => undefined)
      await next.close()
      await expect(opening).rejects.toThrow(TaskClosedError)
      expect([backends.opened, backends.closed]).toEqual([1, 0])
    }))
})

describe('stores whose folders another thread may have', () => {
  test('are opened when it has let them go, and are let go when they are closed', async () => {
    const gate = deferred<void>()
    const held: string[] = []
    await withStores(
      async (stores, backends) => {
        const opening = stores.open([])
        await new Promise((resolve) => setImmediate(resolve))
        expect(backends.opened).toBe(0)
        gate.resolve()
        await opening
        expect([backends.opened, held]).toEqual([2, ['0_0']])
        await stores.close()
        expect([backends.closed, held]).toEqual([2, []])
      },
      async (task) => {
        await gate.promise
        held.push(task)
        return () => void held.pop()
      },
    )
  })

  test('are waited for no more when the task is closed, and none is opened', async () => {
    await withStores(
      async (stores, backends) => {
        const opening = stores.open([])
        opening.catch(() => undefined)
        await stores.close()
        await expect(opening).rejects.toThrow(TaskClosedError)
        expect(backends.opened).toBe(0)
      },
      (_, signal) => new Promise((__, reject) => signal.addEventListener('abort', () => reject(new Error('it waits no more')))),
    )
  })

  test('that were just let go are let go again when the task is closed meanwhile', async () => {
    const gate = deferred<void>()
    let letGo = 0
    await withStores(
      async (stores, backends) => {
        stores.open([]).catch(() => undefined)
        const closing = stores.close()
        gate.resolve()
        await closing
        expect([backends.opened, letGo]).toEqual([0, 1])
      },
      async () => {
        await gate.promise
        return () => void letGo++
      },
    )
  })
})

test('a store whose metadata can not be read is closed', () =>
  withStores(async (stores, backends) => {
    backends.metadata = async () => {
      throw new Error('the disk is gone')
    }
    await expect(stores.open([])).rejects.toThrow('the disk is gone')
    await stores.close()
    expect([backends.opened, backends.closed]).toEqual([1, 1])
  }))

describe('a store that is begun anew, over a backend that keeps its data elsewhere than in its folder', () => {
  const notEmpty = { code: 'STORE_NOT_EMPTY', stage: 'store', task: '0_0', message: expect.stringContaining("Store 'a'") as unknown }

  test('is refused and closed: it would go on with what was to be set aside', () =>
    withStores(async (stores, backends) => {
      await stores.open([])
      const [entry] = stores.all
      backends.metadata = async () => Uint8Array.of(1)
      await expect(stores.renew(entry as never, 'for a test')).rejects.toMatchObject(notEmpty)
      await stores.close()
      expect(backends.opened).toBe(3)
      expect(new Set(backends.closedBackends).size).toBe(3)
    }))

  test('is refused and closed when it is opened with what is of no use', () =>
    withStores(async (stores, backends) => {
      backends.metadata = async () => Uint8Array.of(1)
      await expect(stores.open([])).rejects.toMatchObject(notEmpty)
      await stores.close()
      expect(backends.opened).toBe(2)
      expect(new Set(backends.closedBackends).size).toBe(2)
    }))
})
