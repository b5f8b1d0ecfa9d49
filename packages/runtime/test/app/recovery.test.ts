import { type Deferred, deferred, ManualClock, silentLogger } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { Recovery, type RecoveryOptions } from '../../src/app/recovery.ts'

const MINUTE_MS = 60_000
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A recovery whose tasks are made anew when the test says so. */
function setUp() {
  const clock = new ManualClock()
  const recovered: Deferred<void>[] = []
  const failures: unknown[] = []
  const manager = {
    tasks: [],
    recover: async (reopen: () => Promise<void>) => {
      const done = deferred<void>()
      recovered.push(done)
      await reopen()
      return done.promise
    },
  }
  const environment = { clock, logger: silentLogger, emit: undefined, careful: { begin: () => undefined } }
  const options = { environment, manager, reopen: async () => undefined, fail: (error: unknown) => failures.push(error) }
  const recovery = new Recovery(options as unknown as RecoveryOptions)
  /** One that ends well. */
  const recover = async (error: Error) => {
    const { length } = recovered
    recovery.begin(error)
    await clock.advance(10_000, turn)
    recovered[length]?.resolve()
    await turn()
  }
  return { clock, recovery, recovered, failures, recover }
}

describe('recovery', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'is followed by another when something fails as it ends, %d turns after its tasks were made',
    async (turns) => {
      const { clock, recovery, recovered } = setUp()
      recovery.begin(new Error('first'))
      await clock.advance(10_000, turn)
      recovered[0]?.resolve()
      for (let i = 0; i < turns; i++) await Promise.resolve()
      recovery.begin(new Error('second'))
      await turn()
      await clock.advance(10_000, turn)
      expect(recovered).toHaveLength(2)
    },
  )

  test('is not waited for to begin again once it is to stop', async () => {
    const { clock, recovery, recovered } = setUp()
    recovery.begin(new Error('first'))
    await clock.advance(10_000, turn)
    recovered[0]?.reject(new Error('second'))
    const stopped = recovery.stop()
    // No time passes.
    await stopped
    expect(recovered).toHaveLength(1)
  })

  test('that never helps is given up after six, when there was no commit between', async () => {
    const { recover, recovery, failures } = setUp()
    for (let i = 0; i < 5; i++) await recover(new Error('again'))
    recovery.succeeded()
    for (let i = 0; i < 6; i++) await recover(new Error('again'))
    expect(failures).toEqual([])
    await recover(new Error('the last'))
    expect(failures).toEqual([new Error('the last')])
  })

  test('is not given up for what fails now and then, where all is well in between and there is nothing to commit', async () => {
    const { clock, recover, recovery, failures } = setUp()
    for (let i = 0; i < 20; i++) {
      await recover(new Error('now and then'))
      recovery.calm()
      await clock.advance(MINUTE_MS)
      recovery.calm()
    }
    expect(failures).toEqual([])
    // Calm that is shorter shows nothing, however often it comes.
    for (let i = 0; i < 7; i++) {
      await recover(new Error('soon again'))
      recovery.calm()
      await clock.advance(MINUTE_MS / 2)
      recovery.calm()
    }
    expect(failures).toEqual([new Error('soon again')])
  })
})
