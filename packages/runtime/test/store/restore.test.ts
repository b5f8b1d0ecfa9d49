import { isDeepStrictEqual } from 'node:util'
import { ManualClock, silentLogger } from '@millrace/core'
import type { MemoryOperation } from '@millrace/transport-memory'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Change, isRestore, modelOf, Restoring, someChanges } from '../support/restoring.ts'

const isRestorePoll = (operation: MemoryOperation) => isRestore('poll', operation)

describe('restoring', () => {
  test('gives the state that the changelog describes, last value a key, deletions and what is put again after them in order', async () => {
    await using restoring = await Restoring.open()
    const changes: Change[] = [
      ['a', '1'],
      ['b', '1'],
      ['a', '2'],
      ['b', null],
      ['c', null],
      ['d', '1'],
      ['d', null],
      ['d', '2'],
      ['e', ''],
    ]
    await restoring.write(changes)
    await restoring.restore()
    expect(await restoring.disk.rows()).toEqual(
      new Map([
        ['a', '2'],
        ['d', '2'],
        ['e', ''],
      ]),
    )
    expect(modelOf(changes)).toEqual(await restoring.disk.rows())
  })

  test('writes many records at once, and one entry for each key among them', async () => {
    await using restoring = await Restoring.open()
    const written: number[] = []
    restoring.disk.beforeWrite = (changes) => {
      written.push(changes)
    }
    await restoring.write(someChanges(10_000, 50))
    await restoring.restore()
    expect(restoring.disk.writes).toBeLessThanOrEqual(10)
    expect(Math.max(...written)).toBe(50)
  })

  test('reads nothing that is there already', async () => {
    await using restoring = await Restoring.open()
    await restoring.write([
      ['a', '1'],
      ['b', '1'],
    ])
    await restoring.restore()
    await restoring.restore()
    expect(restoring.phases).toEqual(['kept started', 'kept completed'])
    await restoring.write([['a', '2']])
    await restoring.restore()
    expect(restoring.events.at(-1)).toMatchObject({ phase: 'completed', from: 2, to: 3, restoredRecords: 1 })
    expect(await restoring.disk.rows()).toEqual(
      new Map([
        ['a', '2'],
        ['b', '1'],
      ]),
    )
  })

  test('ends behind records that were taken back, and does not show them', async () => {
    await using restoring = await Restoring.open({ processingGuarantee: 'exactly-once' })
    await restoring.write([['a', '1']])
    const writer = await restoring.transport.openWriter({ clientId: 'test', transactionalId: 'test' }, { logger: silentLogger })
    const column = (bytes: string) => ({ form: 'views', length: 1, views: [Buffer.from(bytes)] }) as const
    await writer.begin()
    await writer.writeBatch({
      topic: 'app-kept-changelog',
      length: 1,
      keys: column('a'),
      values: column('2'),
      timestamps: [0],
      partitions: [0],
    })
    await writer.flush()
    await writer.abort()
    await writer.close()
    await restoring.restore()
    expect(await restoring.disk.rows()).toEqual(new Map([['a', '1']]))
    expect(restoring.events.at(-1)).toMatchObject({ phase: 'completed', restoredRecords: 1, remainingRecords: 0 })
    // The second time there is nothing left, although nothing that can be seen is at the end.
    await restoring.restore()
    expect(restoring.phases).toEqual(['kept started', 'kept completed'])
  })

  test('any puts and deletes, killed at any points, give the state of a model, and never a completed restore that is not one', async () => {
    const change = fc.tuple(
      fc.integer({ min: 0, max: 20 }).map((key) => `key ${key}`),
      fc.option(fc.string({ maxLength: 4, minLength: 1 }), { nil: null, freq: 4 }),
    )
    // So many records of another key behind each batch that they are read, and written, in several pieces.
    const busy = someChanges(700, 1)
    const run = async (batches: readonly (readonly Change[])[], kills: readonly number[]) => {
      await using restoring = await Restoring.open()
      const all = batches.flatMap((batch) => [...batch, ...busy])
      await restoring.write(all)
      const model = modelOf(all)
      let reached = 0
      for (const kill of kills) {
        restoring.events.length = 0
        let left = kill
        restoring.disk.beforeWrite = () => {
          if (left-- <= 0) throw new Error('killed')
        }
        const killed = await restoring.restore().then(
          () => false,
          () => true,
        )
        // Nothing is said to be complete that is not; and what was written once is not read again.
        const { phases } = restoring
        expect(phases).toEqual(phases.length === 0 ? [] : ['kept started', killed ? 'kept failed' : 'kept completed'])
        expect(killed || isDeepStrictEqual(await restoring.disk.rows(), model)).toBe(true)
        for (const { phase, from, restoredRecords } of restoring.events) {
          expect(from).toBe(reached)
          if (phase !== 'started') reached += restoredRecords
        }
      }
      restoring.disk.beforeWrite = () => undefined
      await restoring.restore()
      expect(await restoring.disk.rows()).toEqual(model)
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 12 }),
        fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 4 }),
        run,
      ),
      { numRuns: 40 },
    )
  })

  test('goes on where it was killed, not at the beginning', async () => {
    await using restoring = await Restoring.open()
    const changes = someChanges(9_000)
    await restoring.write(changes)
    let left = 2
    restoring.disk.beforeWrite = () => {
      if (left-- === 0) throw new Error('killed')
    }
    await expect(restoring.restore()).rejects.toThrow('killed')
    const { restoredRecords } = restoring.events.at(-1) ?? { restoredRecords: 0 }
    expect(restoredRecords).toBeGreaterThanOrEqual(2_000)
    await restoring.restore()
    expect(restoring.events.at(-1)).toMatchObject({ phase: 'completed', from: restoredRecords, restoredRecords: 9_000 - restoredRecords })
    expect(await restoring.disk.rows()).toEqual(modelOf(changes))
  })

  test('writes nothing any more once it has been interrupted', async () => {
    await using restoring = await Restoring.open()
    await restoring.write(someChanges(9_000))
    const interrupt = new AbortController()
    restoring.disk.beforeWrite = () => interrupt.abort(new Error('enough'))
    await expect(restoring.restore({ signal: interrupt.signal })).rejects.toThrow('enough')
    const { writes } = restoring.disk
    expect(restoring.phases).toEqual(['kept started', 'kept interrupted'])
    expect(restoring.events.at(-1)?.remainingRecords).toBeGreaterThan(0)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    expect(restoring.disk.writes).toBe(writes)
  })

  test('lets each task go as soon as its own stores are there', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    await using restoring = await Restoring.open({ stores: { big: '0_0', small: '0_1', second: '0_1', empty: '0_2' } })
    await restoring.write(someChanges(9_000), 'big')
    await restoring.write([['a', '1']], 'small')
    await restoring.write([['b', '1']], 'second')
    const big = restoring.disks.get('big')
    if (big !== undefined) big.beforeWrite = () => held
    const restored: string[] = []
    // It would never end if `small` had to wait for `big`.
    await restoring.restore({
      onRestored: (tasks) => {
        restored.push(...tasks)
        if (tasks.includes('0_1')) release()
      },
    })
    expect(restored).toEqual(['0_2', '0_1', '0_0'])
    expect(await restoring.disks.get('second')?.rows()).toEqual(new Map([['b', '1']]))
  })
})

/** Why state was set aside. */
const reasonsOf = ({ lines }: Restoring) => lines.flatMap(({ level, fields }) => (level === 'error' ? [fields['reason']] : []))

describe('local state and its changelog', () => {
  const replaceChangelog = async (restoring: Restoring, changes: number) => {
    await restoring.admin.deleteTopics(['app-kept-changelog'])
    await restoring.admin.createTopics([{ topic: 'app-kept-changelog', partitions: 1 }])
    await restoring.write(someChanges(changes))
  }
  test('of a changelog that was deleted and created anew is set aside, however long that is by now', async () => {
    await using restoring = await Restoring.open()
    await restoring.write(someChanges(20))
    await restoring.restore()
    await replaceChangelog(restoring, 30)
    await restoring.restore()
    expect(await restoring.disk.rows()).toEqual(modelOf(someChanges(30)))
    expect(reasonsOf(restoring)).toEqual([expect.stringContaining('which was deleted and created anew') as string])
  })

  test('where topics have no ids, of one that ends before the state does is set aside', async () => {
    await using restoring = await Restoring.open({ topicIds: false })
    await restoring.write(someChanges(20))
    await restoring.restore()
    await replaceChangelog(restoring, 10)
    await restoring.restore()
    expect(await restoring.disk.rows()).toEqual(modelOf(someChanges(10)))
    expect(reasonsOf(restoring)).toEqual([
      expect.stringContaining("it holds its changelog up to offset 20, and 'app-kept-changelog' ends at 10") as string,
    ])
  })
})

describe('what a restore tells', () => {
  test('begins, goes on once a second at most, and ends, with how much there is and how much is left', async () => {
    const clock = new ManualClock(1_000_000)
    const before = async (operation: MemoryOperation) => {
      if (isRestorePoll(operation)) await clock.advance(400)
    }
    await using restoring = await Restoring.open({ faults: { before }, clock })
    await restoring.write(someChanges(60_000))
    await restoring.restore()
    const [started, ...rest] = restoring.events
    const completed = rest.pop()
    const common = { type: 'restore', stage: 'store', task: '0_0', store: 'kept', topic: 'app-kept-changelog', partition: 0 }
    expect(started).toEqual({
      ...common,
      phase: 'started',
      from: 0,
      to: 60_000,
      restoredRecords: 0,
      remainingRecords: 60_000,
      durationMs: 0,
    })
    expect(completed).toEqual({
      ...common,
      phase: 'completed',
      from: 0,
      to: 60_000,
      restoredRecords: 60_000,
      remainingRecords: 0,
      durationMs: expect.any(Number) as number,
    })
    expect(rest.length).toBeGreaterThan(5)
    const times = [0, ...rest.map(({ durationMs }) => durationMs)]
    for (const [i, event] of rest.entries()) {
      expect(event).toMatchObject({ ...common, phase: 'progress', remainingRecords: 60_000 - event.restoredRecords })
      expect(event.durationMs - (times[i] as number)).toBeGreaterThanOrEqual(1_000)
    }
    expect(rest.map(({ restoredRecords }) => restoredRecords)).toEqual(
      rest.map(({ restoredRecords }) => restoredRecords).toSorted((a, b) => a - b),
    )
    const lines = restoring.lines.filter(({ level }) => level === 'info')
    const fields = { task: '0_0', store: 'kept', total: 60_000 }
    expect(lines[0]).toMatchObject({ message: 'restoring state begins', fields: { ...fields, done: 0, changelog: 'app-kept-changelog-0' } })
    expect(lines.at(-1)).toMatchObject({ message: 'state restored', fields: { ...fields, done: 60_000 } })
    // Every ten seconds in between.
    const between = lines.slice(1, -1)
    expect(between.length).toBe(Math.floor((completed?.durationMs ?? 0) / 10_000))
    expect(between.every(({ message, fields: said }) => message === 'restoring state' && said['total'] === 60_000)).toBe(true)
  })

  test('a store that has nothing to read is not told of', async () => {
    await using restoring = await Restoring.open()
    const restored: string[] = []
    await restoring.restore({ onRestored: (tasks) => restored.push(...tasks) })
    expect(restored).toEqual(['0_0'])
    expect(restoring.events).toEqual([])
    expect(restoring.lines).toEqual([])
  })
})
