import { describe, expect, test } from 'vitest'
import { TaskLocks } from '../../src/threads/task-locks.ts'

/** Whether a promise is resolved by now. */
async function isGiven(request: Promise<void>): Promise<boolean> {
  let given = false
  void request.then(() => {
    given = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  return given
}

describe('the folders of tasks', () => {
  test("are one thread's at a time, and go to the next that waits when all it was given is given back", async () => {
    const locks = new TaskLocks()
    await locks.hold('0_1', 1, 1)
    // Made anew by a recovery, before the stores of the one before are closed.
    await locks.hold('0_1', 1, 2)
    await locks.hold('0_2', 2, 1)
    const second = locks.hold('0_1', 2, 2)
    const third = locks.hold('0_1', 3, 1)
    locks.letGo(1, 1)
    expect(await isGiven(second)).toBe(false)
    locks.letGo(1, 2)
    expect([await isGiven(second), await isGiven(third)]).toEqual([true, false])
    locks.letGo(2, 2)
    expect(await isGiven(third)).toBe(true)
    expect([...locks.held]).toEqual(['0_2', '0_1'])
  })

  test('are not given to who waits no more', async () => {
    const locks = new TaskLocks()
    await locks.hold('0_1', 1, 1)
    const given = locks.hold('0_1', 2, 7)
    const after = locks.hold('0_1', 3, 1)
    locks.letGo(2, 7)
    // Answered, so that nobody waits for ever; it has nothing.
    expect([await isGiven(given), await isGiven(after)]).toEqual([true, false])
    locks.letGo(1, 1)
    expect(await isGiven(after)).toBe(true)
  })

  test('of a thread that is gone are free, and what it waited for is forgotten', async () => {
    const locks = new TaskLocks()
    await locks.hold('0_1', 1, 1)
    await locks.hold('0_2', 2, 1)
    const waits = locks.hold('0_2', 1, 2)
    const next = locks.hold('0_1', 2, 2)
    locks.letGoAll(1)
    expect([await isGiven(waits), await isGiven(next)]).toEqual([true, true])
    locks.letGoAll(2)
    expect([...locks.held]).toEqual([])
  })
})
