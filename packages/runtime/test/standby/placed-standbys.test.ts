import { deferred } from '@millrace/core'
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

test('a task that is followed no longer is given to nobody before all that was opened for it is closed, however often it came and went', async () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  await using restoring = await Restoring.open()
  const gate = deferred<void>()
  let writes = 0
  restoring.disk.beforeWrite = () => {
    writes++
    return gate.promise
  }
  await restoring.write(someChanges(10))
  const standbys = restoring.standbys()
  standbys.followAllBut(NOBODY)
  await expect.poll(() => writes).toBe(1)
  for (let time = 0; time < 2; time++) {
    standbys.place(NOBODY)
    standbys.followAllBut(NOBODY)
    standbys.place(undefined)
    standbys.followAllBut(NOBODY)
    await turn()
  }
  standbys.place(NOBODY)
  standbys.followAllBut(NOBODY)
  await turn()
  let taken = false
  const taking = standbys.take('0_0').then(() => {
    taken = true
  })
  await turn()
  expect([taken, restoring.disk.opened]).toEqual([false, 1])
  gate.resolve()
  await taking
  expect(restoring.disk.opened).toBe(0)
  await standbys.stop()
})
