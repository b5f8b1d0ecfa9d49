import { ManualClock } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { modelOf, Restoring, someChanges } from '../support/restoring.ts'

const DAY = 86_400_000

describe('local state that comes back', () => {
  const first = someChanges(20)
  const more = someChanges(5)
  const restored = async (clock: ManualClock) => {
    const restoring = await Restoring.open({ clock })
    await restoring.write(first)
    await restoring.restore()
    return restoring
  }

  test('before its changelog can have dropped deletions is brought up to date', async () => {
    const clock = new ManualClock(1_000 * DAY)
    await using restoring = await restored(clock)
    await clock.advance(5 * DAY)
    await restoring.write(more)
    await restoring.restore()
    expect(restoring.events.at(-1)).toMatchObject({ phase: 'completed', from: 20, to: 25 })
    // It was up to date then.
    await clock.advance(5 * DAY)
    await restoring.write(more)
    await restoring.restore()
    expect(restoring.events.at(-1)).toMatchObject({ phase: 'completed', from: 25, to: 30 })
    expect(restoring.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('later than that is set aside and restored from the beginning', async () => {
    const clock = new ManualClock(1_000 * DAY)
    await using restoring = await restored(clock)
    await clock.advance(7 * DAY)
    await restoring.write(more)
    await restoring.restore()
    expect(restoring.events.at(-1)).toMatchObject({ phase: 'completed', from: 0, to: 25 })
    expect(await restoring.disk.rows()).toEqual(modelOf([...first, ...more]))
    const [error, ...others] = restoring.lines.filter(({ level }) => level === 'error')
    expect(error?.fields['reason']).toContain("it is so old that 'app-kept-changelog' may have dropped deletions")
    expect(others).toEqual([])
  })

  test('is judged by the time that its changelog keeps deletions, where that is known', async () => {
    const afterHours = async (retention: number, hours: number) => {
      const clock = new ManualClock(1_000 * DAY)
      await using restoring = await Restoring.open({ clock, deletionRetentions: new Map([['app-kept-changelog', retention]]) })
      await restoring.write(first)
      await restoring.restore()
      await clock.advance((hours / 24) * DAY)
      await restoring.write(more)
      await restoring.restore()
      return restoring.events.at(-1)?.from
    }
    // A seventh of it is for clocks and the restore.
    expect([await afterHours(DAY, 20), await afterHours(DAY, 21)]).toEqual([20, 0])
    expect([await afterHours(30 * DAY, 25 * 24), await afterHours(30 * DAY, 26 * 24)]).toEqual([20, 0])
    expect(await afterHours(0, 1)).toBe(0)
  })

  test('to a changelog to which nothing was added is as good as ever', async () => {
    const clock = new ManualClock(1_000 * DAY)
    await using restoring = await restored(clock)
    await clock.advance(100 * DAY)
    await restoring.restore()
    expect(restoring.phases).toEqual(['kept started', 'kept completed'])
  })

  test('from a version that did not write when it was up to date is restored if it is behind', async () => {
    await using restoring = await restored(new ManualClock(1_000 * DAY))
    const disk = await restoring.disk.open()
    const { upToDateAt, ...older } = JSON.parse(Buffer.from((await disk.metadata()) ?? []).toString()) as Record<string, unknown>
    expect(upToDateAt).toBe(1_000 * DAY)
    await disk.write([], Buffer.from(JSON.stringify(older)))
    await restoring.restore()
    expect(restoring.events).toHaveLength(2)
    await restoring.write(more)
    await restoring.restore()
    expect(restoring.events.at(-1)).toMatchObject({ from: 0, to: 25 })
  })

  test('of a restore that was interrupted is as old as the beginning of that', async () => {
    const clock = new ManualClock(1_000 * DAY)
    await using restoring = await Restoring.open({ clock })
    await restoring.write(someChanges(9_000))
    const interrupted = async () => {
      let left = 1
      restoring.disk.beforeWrite = () => {
        if (left-- === 0) throw new Error('killed')
      }
      await expect(restoring.restore()).rejects.toThrow('killed')
      return restoring.events.at(-1)
    }
    const one = await interrupted()
    expect(one).toMatchObject({ from: 0 })
    await clock.advance(4 * DAY)
    expect(await interrupted()).toMatchObject({ from: one?.restoredRecords })
    await clock.advance(4 * DAY)
    expect(await interrupted()).toMatchObject({ from: 0 })
  })
})
