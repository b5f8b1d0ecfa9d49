import { expect, test } from 'vitest'
import { Restoring, someChanges } from '../support/restoring.ts'

const NOBODY: ReadonlySet<string> = new Set()

test('a task that is elsewhere is followed where that is its place, and no longer when it is another', async () => {
  await using restoring = await Restoring.open({ stores: { kept: '0_0', other: '1_0' } })
  await restoring.write(someChanges(10))
  await restoring.write(someChanges(10), 'other')
  const standbys = restoring.standbys(undefined, true)
  standbys.followAllBut(NOBODY)
  expect(standbys.wanted).toEqual([])
  standbys.place(new Set(['1_0']))
  standbys.followAllBut(NOBODY)
  await expect.poll(() => standbys.caughtUp).toEqual(['1_0'])
  standbys.place(new Set(['0_0']))
  standbys.followAllBut(NOBODY)
  // Who has the task now opens its store, which must be closed then.
  expect(await standbys.take('1_0')).toBeUndefined()
  expect(restoring.disks.get('other')?.opened).toBe(0)
  await expect.poll(() => standbys.caughtUp).toEqual(['0_0'])
  standbys.place(undefined)
  standbys.followAllBut(NOBODY)
  await expect.poll(() => standbys.caughtUp.toSorted()).toEqual(['0_0', '1_0'])
  await standbys.stop()
  const phases = restoring.standbyEvents.map(({ store, phase }) => `${store} ${phase}`)
  expect(phases).toEqual(expect.arrayContaining(['other stopped', 'kept stopped']))
  expect(restoring.lines.filter(({ level }) => level === 'error')).toEqual([])
})
