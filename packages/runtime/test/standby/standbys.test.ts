import { deferred, ManualClock, MillraceError } from '@millrace/core'
import type { MemoryOperation } from '@millrace/transport-memory'
import { describe, expect, test } from 'vitest'
import type { Standbys } from '../../src/standby/standbys.ts'
import { isStandby, modelOf, Restoring, type RestoringOptions, someChanges } from '../support/restoring.ts'

const HOUR_MS = 3_600_000
const NOBODY: ReadonlySet<string> = new Set()
const two = { kept: '0_0', other: '1_0' }

/** Standbys of all tasks, on a clock that stands still unless it is told to go on. */
async function following(
  options: RestoringOptions,
  work: (all: { readonly restoring: Restoring; readonly standbys: Standbys; readonly clock: ManualClock }) => Promise<void>,
): Promise<void> {
  const clock = new ManualClock()
  await using restoring = await Restoring.open({ clock, ...options })
  const standbys = restoring.standbys()
  try {
    await work({ restoring, standbys, clock })
  } finally {
    await standbys.stop()
  }
}

const phases = ({ standbyEvents }: Restoring) => standbyEvents.map(({ store, phase }) => `${store} ${phase}`)
const errors = ({ lines }: Restoring) => lines.flatMap(({ level, fields }) => (level === 'error' ? [fields] : []))

describe('a task that is elsewhere', () => {
  test('has its changelog followed, as far as it goes and whatever comes after', () =>
    following({}, async ({ restoring, standbys }) => {
      const changes = someChanges(5_000)
      await restoring.write(changes.slice(0, 3_000))
      standbys.followAllBut(NOBODY)
      expect(standbys.caughtUp).toEqual([])
      await expect.poll(() => phases(restoring)).toEqual(['kept started', 'kept caught-up'])
      expect(standbys.caughtUp).toEqual(['0_0'])
      expect(restoring.standbyEvents).toMatchObject([
        { task: '0_0', topic: 'app-kept-changelog', partition: 0, position: 0, end: 3_000, remainingRecords: 3_000, writtenRecords: 0 },
        { position: 3_000, end: 3_000, remainingRecords: 0, writtenRecords: 3_000 },
      ])
      await restoring.write(changes.slice(3_000))
      await expect.poll(() => restoring.disk.rows()).toEqual(modelOf(changes))
      expect(restoring.events).toEqual([])
    }))

  test('is followed from where its store stands', async () => {
    await using restoring = await Restoring.open()
    await restoring.write(someChanges(100))
    await restoring.restore()
    await restoring.write(someChanges(30))
    const standbys = restoring.standbys()
    standbys.followAllBut(NOBODY)
    await expect.poll(() => phases(restoring)).toEqual(['kept started', 'kept caught-up'])
    expect(restoring.standbyEvents.map(({ position, writtenRecords }) => [position, writtenRecords])).toEqual([
      [100, 0],
      [130, 30],
    ])
    await standbys.stop()
  })

  test('leaves what its store says of inputs as it is', () =>
    following({}, async ({ restoring, standbys }) => {
      const stores = restoring.storesOf('0_0', restoring.definitions)
      await stores.open([{ topic: 'in', partition: 0, offset: 7 }])
      const [entry] = stores.all
      if (entry !== undefined) entry.position = 0
      await stores.noteUpToDate()
      await stores.close()
      await restoring.write(someChanges(10))
      standbys.followAllBut(NOBODY)
      await expect.poll(() => restoring.disk.metadata()).toMatchObject({ changelogPosition: 10, inputs: { 'in 0': 7 } })
      await standbys.stop()
      // Counted anew, its input would be counted on top of that.
      await restoring.storesOf('0_0', restoring.definitions).open([{ topic: 'in', partition: 0, offset: 3 }])
      expect(errors(restoring)).toMatchObject([{ reason: expect.stringContaining('the group has not committed (in 0)') as string }])
    }))

  test('is taken over with what is open, and nothing is written to it any more', () =>
    following({ stores: two }, async ({ restoring, standbys }) => {
      await restoring.write(someChanges(100))
      await restoring.write(someChanges(10), 'other')
      standbys.followAllBut(NOBODY)
      await expect.poll(() => phases(restoring).filter((phase) => phase.endsWith('caught-up'))).toHaveLength(2)
      const stores = restoring.storesOf('0_0', restoring.definitions.slice(0, 1))
      await stores.open([], () => standbys.take('0_0'))
      expect(stores.all.map(({ position }) => position)).toEqual([100])
      expect(restoring.disk.opened).toBe(1)
      expect(phases(restoring)).toContain('kept handed-over')
      await restoring.write([['later', '1']])
      await restoring.write([['later', '1']], 'other')
      await expect.poll(() => restoring.disks.get('other')?.rows()).toHaveProperty('size', modelOf(someChanges(10)).size + 1)
      expect(await restoring.disk.rows()).toEqual(modelOf(someChanges(100)))
      expect(await standbys.take('0_0')).toBeUndefined()
      await stores.close()
      expect(restoring.disk.opened).toBe(0)
    }))

  test('is set aside when it is taken over, if it holds the effect of input that is not committed', () =>
    following({}, async ({ restoring, standbys }) => {
      await restoring.write(someChanges(10))
      const before = restoring.storesOf('0_0', restoring.definitions)
      await before.open([{ topic: 'in', partition: 0, offset: 7 }])
      const [entry] = before.all
      if (entry !== undefined) entry.position = 0
      await before.noteUpToDate()
      await before.close()
      standbys.followAllBut(NOBODY)
      await expect.poll(() => phases(restoring)).toContain('kept caught-up')
      const stores = restoring.storesOf('0_0', restoring.definitions)
      await stores.open([{ topic: 'in', partition: 0, offset: 6 }], () => standbys.take('0_0'))
      expect(stores.all.map(({ position, inputs }) => [position, inputs])).toEqual([[undefined, { 'in 0': 6 }]])
      expect(errors(restoring)).toHaveLength(1)
      await stores.close()
      expect(restoring.disk.opened).toBe(0)
    }))

  test('that is here is not followed, and is once it has gone', () =>
    following({ stores: two }, async ({ restoring, standbys }) => {
      await restoring.write(someChanges(10))
      await restoring.write(someChanges(10), 'other')
      standbys.followAllBut(new Set(['0_0']))
      await expect.poll(() => phases(restoring)).toContain('other caught-up')
      expect(restoring.disk.opened).toBe(0)
      standbys.followAllBut(NOBODY)
      await expect.poll(() => phases(restoring)).toContain('kept caught-up')
      expect(phases(restoring).filter((phase) => phase === 'other started')).toHaveLength(1)
    }))
})

describe('while tasks of its own are started', () => {
  test('nothing is opened or read', async () => {
    let polls = 0
    const before = (operation: MemoryOperation) => {
      if (isStandby('poll', operation)) polls++
    }
    await using restoring = await Restoring.open({ faults: { before } })
    await restoring.write(someChanges(10))
    let waits = true
    const standbys = restoring.standbys(() => waits)
    standbys.followAllBut(NOBODY)
    for (let turn = 0; turn < 20; turn++) {
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
    }
    expect(restoring.disk.opened).toBe(0)
    waits = false
    standbys.wake()
    await expect.poll(() => phases(restoring)).toContain('kept caught-up')
    waits = true
    const until = polls
    // Time for three polls, of which one may be under way.
    await new Promise((resolve) => {
      setTimeout(resolve, 750)
    })
    expect(polls).toBeLessThanOrEqual(until + 1)
    waits = false
    standbys.wake()
    await expect.poll(() => polls).toBeGreaterThan(until + 1)
    await standbys.stop()
  })
})

describe('stopping', () => {
  test('waits for the write that is under way, drops the rest, and closes', () =>
    following({}, async ({ restoring, standbys }) => {
      const gate = deferred<void>()
      let begun = 0
      restoring.disk.beforeWrite = () => {
        begun++
        return gate.promise
      }
      await restoring.write(someChanges(10_000, 5_000))
      standbys.followAllBut(NOBODY)
      await expect.poll(() => begun).toBe(1)
      let stopped = false
      const stopping = standbys.stop().then(() => {
        stopped = true
      })
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      expect([stopped, restoring.disk.opened]).toEqual([false, 1])
      gate.resolve()
      await stopping
      expect([restoring.disk.opened, restoring.disk.writes]).toEqual([0, 2])
      const { changelogPosition } = await restoring.disk.metadata()
      expect(changelogPosition).toBe(2_000)
      standbys.followAllBut(NOBODY)
      expect(phases(restoring)).toEqual(['kept started', 'kept stopped'])
    }))

  test('notes how far it has come, behind records that nobody can see', () =>
    following({ processingGuarantee: 'exactly-once' }, async ({ restoring, standbys }) => {
      await restoring.writeInTransaction([['a', '1']], 'commit')
      await restoring.writeInTransaction([['a', '2']], 'abort')
      standbys.followAllBut(NOBODY)
      await expect.poll(() => phases(restoring)).toContain('kept caught-up')
      await standbys.stop()
      expect(await restoring.disk.rows()).toEqual(new Map([['a', '1']]))
      const [end] = await restoring.admin.endOffsets([{ topic: 'app-kept-changelog', partition: 0 }], 'read-uncommitted')
      expect(await restoring.disk.metadata()).toMatchObject({ changelogPosition: end?.offset })
    }))
})

describe('what is read and not written', () => {
  test('is bounded', () =>
    following({}, async ({ restoring, standbys }) => {
      const gate = deferred<void>()
      restoring.disk.beforeWrite = () => gate.promise
      let read = 0
      const open = restoring.transport.openSource.bind(restoring.transport)
      restoring.transport.openSource = async (...args) => {
        const source = await open(...args)
        const poll = source.poll.bind(source)
        source.poll = async (maxWaitMs) => {
          const polled = await poll(maxWaitMs)
          for (const { length } of polled.batches) read += length
          return polled
        }
        return source
      }
      const changes = someChanges(50_000, 1_000)
      await restoring.write(changes)
      standbys.followAllBut(NOBODY)
      await expect.poll(() => read).toBeGreaterThanOrEqual(8_000)
      await new Promise((resolve) => {
        setTimeout(resolve, 100)
      })
      expect(read).toBeLessThan(10_001)
      gate.resolve()
      await expect.poll(() => restoring.disk.rows()).toEqual(modelOf(changes))
    }))
})

describe('a quiet changelog', () => {
  test('lets its store say now and then that it lacks nothing', () =>
    following({}, async ({ restoring, standbys, clock }) => {
      await restoring.write(someChanges(10))
      standbys.followAllBut(NOBODY)
      await expect.poll(() => phases(restoring)).toContain('kept caught-up')
      await clock.advance(10 * HOUR_MS)
      const upToDateAt = async () => {
        await clock.advance(30_000)
        return (await restoring.disk.metadata())['upToDateAt']
      }
      await expect.poll(upToDateAt).toBeGreaterThanOrEqual(10 * HOUR_MS)
      expect(restoring.disk.writes).toBe(2)
    }))
})

describe('what fails', () => {
  test('is one store: those of its task are opened again after a wait, and others go on', () =>
    following({ stores: two }, async ({ restoring, standbys, clock }) => {
      const other = restoring.disks.get('other')
      restoring.disk.beforeWrite = () => {
        throw new Error('the disk is full')
      }
      await restoring.write(someChanges(10))
      standbys.followAllBut(NOBODY)
      await expect.poll(() => phases(restoring)).toContain('kept failed')
      expect(restoring.disk.opened).toBe(0)
      expect(errors(restoring)).toMatchObject([{ task: '0_0', err: new Error('the disk is full'), retryMs: 1_000 }])
      await restoring.write(someChanges(10), 'other')
      await expect.poll(() => other?.rows()).toEqual(modelOf(someChanges(10)))
      await clock.advance(1_000)
      await expect.poll(() => errors(restoring)).toMatchObject([{ retryMs: 1_000 }, { retryMs: 2_000 }])
      restoring.disk.beforeWrite = () => undefined
      await clock.advance(2_000)
      await expect.poll(() => restoring.disk.rows()).toEqual(modelOf(someChanges(10)))
      expect(restoring.disk.opened).toBe(1)
    }))

  test('is an opening: it is tried again, and is whoever takes the task to meet', () =>
    following({}, async ({ restoring, standbys, clock }) => {
      restoring.disk.beforeOpen = () => {
        throw new MillraceError('STORE_OPEN_FAILED', 'no such device', { stage: 'store' })
      }
      standbys.followAllBut(NOBODY)
      await expect.poll(() => errors(restoring)).toHaveLength(1)
      await clock.advance(1_000)
      await expect.poll(() => errors(restoring)).toHaveLength(2)
      expect(await standbys.take('0_0')).toBeUndefined()
    }))

  test('is the reader: it is opened again after a wait, with nothing lost', async () => {
    let failing = false
    let failures = 0
    const before = (operation: MemoryOperation) => {
      if (!failing || !isStandby('poll', operation)) return
      failures++
      throw new MillraceError('KAFKA_ERROR', 'no broker answers', { stage: 'source', retryable: true })
    }
    await following({ faults: { before } }, async ({ restoring, standbys, clock }) => {
      await restoring.write(someChanges(10))
      standbys.followAllBut(NOBODY)
      await expect.poll(() => phases(restoring)).toContain('kept caught-up')
      failing = true
      await restoring.write(someChanges(20).slice(10))
      const waits = () => restoring.lines.flatMap(({ level, fields }) => (level === 'warn' ? [fields['retryMs']] : []))
      await expect.poll(waits).toEqual([1_000])
      await clock.advance(999)
      await new Promise((resolve) => {
        setTimeout(resolve, 50)
      })
      expect(failures).toBe(1)
      await clock.advance(1)
      await expect.poll(waits).toEqual([1_000, 2_000])
      failing = false
      await clock.advance(2_000)
      await expect.poll(() => restoring.disk.rows()).toEqual(modelOf(someChanges(20)))
      expect(waits()).toEqual([1_000, 2_000])
      expect(phases(restoring).filter((phase) => phase === 'kept started')).toHaveLength(1)
    })
  })

  test('is the reader for ever: stopping does not wait for it', async () => {
    const before = (operation: MemoryOperation) => {
      if (isStandby('open-source', operation)) throw new Error('no connection')
    }
    await following({ faults: { before } }, async ({ restoring, standbys }) => {
      await restoring.write(someChanges(10))
      standbys.followAllBut(NOBODY)
      await expect.poll(() => restoring.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
      await standbys.stop()
      expect(restoring.disk.opened).toBe(0)
    })
  })
})

describe('a changelog', () => {
  const topic = 'app-kept-changelog'

  test('that is deleted and made anew is followed anew, from its beginning', () =>
    following({}, async ({ restoring, standbys, clock }) => {
      await restoring.write(someChanges(100))
      standbys.followAllBut(NOBODY)
      await expect.poll(() => phases(restoring)).toContain('kept caught-up')
      await restoring.admin.deleteTopics([topic])
      await expect.poll(() => restoring.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
      await clock.advance(1_000)
      await expect.poll(() => errors(restoring)).toMatchObject([{ task: '0_0', store: 'kept' }])
      expect(phases(restoring).at(-1)).toBe('kept failed')
      // As many as before, and more: that it is another topic only its id says.
      await restoring.admin.createTopics([{ topic, partitions: 1 }])
      await restoring.write(Array.from({ length: 200 }, (_, i) => [`new ${i}`, 'x'] as const))
      await clock.advance(30_000)
      await expect.poll(async () => (await restoring.disk.rows()).size).toBe(200)
      expect(errors(restoring)).toMatchObject([{}, { reason: expect.stringContaining('deleted and created anew') as string }])
    }))

  test('that has lost what comes next is followed from where it begins', () =>
    following({}, async ({ restoring, standbys, clock }) => {
      await restoring.write(someChanges(100))
      restoring.disk.beforeWrite = () => {
        throw new Error('not yet')
      }
      standbys.followAllBut(NOBODY)
      await expect.poll(() => phases(restoring)).toContain('kept failed')
      restoring.disk.beforeWrite = () => undefined
      await restoring.admin.deleteRecords([{ topic, partition: 0, offset: 60 }])
      await clock.advance(1_000)
      await expect.poll(() => restoring.disk.rows()).toEqual(modelOf(someChanges(100).slice(60)))
    }))

  test('that was empty and has lost its beginning before anything was read of it is followed from where it begins', async () => {
    let failing = true
    const before = (operation: MemoryOperation) => {
      if (failing && isStandby('poll', operation))
        throw new MillraceError('KAFKA_ERROR', 'no broker answers', { stage: 'source', retryable: true })
    }
    await following({ faults: { before } }, async ({ restoring, standbys, clock }) => {
      await restoring.write([])
      standbys.followAllBut(NOBODY)
      await expect.poll(() => phases(restoring)).toContain('kept started')
      await restoring.write(someChanges(100))
      await restoring.admin.deleteRecords([{ topic, partition: 0, offset: 60 }])
      failing = false
      await clock.advance(1_000)
      await clock.advance(30_000)
      await expect.poll(() => restoring.disk.rows()).toEqual(modelOf(someChanges(100).slice(60)))
    })
  })

  test('that ends before what the store has is followed anew', () =>
    following({ topicIds: false }, async ({ restoring, standbys, clock }) => {
      await restoring.write(someChanges(100))
      standbys.followAllBut(NOBODY)
      await expect.poll(() => phases(restoring)).toContain('kept caught-up')
      await restoring.admin.deleteTopics([topic])
      await restoring.admin.createTopics([{ topic, partitions: 1 }])
      await restoring.write([['a', '1']])
      await expect.poll(() => restoring.lines.filter(({ level }) => level === 'warn')).toHaveLength(1)
      await clock.advance(1_000)
      await expect.poll(() => restoring.disk.rows()).toEqual(new Map([['a', '1']]))
      expect(errors(restoring)).toMatchObject([{ reason: expect.stringContaining('ends at 1: that was deleted') as string }])
    }))
})
