import { describe, expect, test } from 'vitest'
import { type Deferred, deferred, ManualClock } from '@millrace/core'
import { CommitScheduler } from '../../src/commit/commit-scheduler.ts'
import type { CommitReason } from '../../src/commit/commit-reason.ts'

function setUp(schedule: Partial<{ intervalMs: number; records: number; maxUncommittedBytes: number }> = {}) {
  const clock = new ManualClock()
  const commits: { reason: CommitReason; done: Deferred<void> }[] = []
  const failures: unknown[] = []
  const scheduler = new CommitScheduler({ intervalMs: 100, records: Infinity, maxUncommittedBytes: Infinity, ...schedule }, clock, {
    commit: (reason) => {
      const done = deferred<void>()
      commits.push({ reason, done })
      return done.promise
    },
    onFailure: (error) => failures.push(error),
  })
  return { clock, commits, failures, scheduler }
}

describe('the commit scheduler', () => {
  test('commits at every interval, but not two at once', async () => {
    const { clock, commits, scheduler } = setUp()
    scheduler.start()
    await clock.advance(250)
    expect(commits.map(({ reason }) => reason)).toEqual(['interval'])
  })

  test('commits when enough records are done or too much state waits', () => {
    const { commits, scheduler } = setUp({ records: 10, maxUncommittedBytes: 500 })
    scheduler.progressed(9, 0)
    expect(commits).toHaveLength(0)
    scheduler.progressed(1, 0)
    expect(commits.map(({ reason }) => reason)).toEqual(['records'])
    const bytes = setUp({ maxUncommittedBytes: 500 })
    bytes.scheduler.progressed(1, 500)
    expect(bytes.commits.map(({ reason }) => reason)).toEqual(['bytes'])
  })

  test('who asks while a commit is under way gets the next one, shared by all who ask', async () => {
    const { commits, scheduler } = setUp()
    const first = scheduler.now('request')
    const second = scheduler.now('revoke')
    const third = scheduler.now('request')
    expect(commits).toHaveLength(1)
    commits[0]?.done.resolve()
    await first
    expect(commits).toHaveLength(2)
    commits[1]?.done.resolve()
    await Promise.all([second, third])
    expect(commits).toHaveLength(2)
  })

  test('what was asked for by itself is made for who waits for it, if somebody does before it begins', async () => {
    const { commits, scheduler } = setUp({ records: 10 })
    const first = scheduler.now('interval')
    scheduler.progressed(10, 0)
    const waiting = scheduler.now('drain')
    scheduler.request('interval')
    commits[0]?.done.resolve()
    await first
    const reasons = () => commits.map(({ reason }) => reason)
    expect(reasons()).toEqual(['interval', 'drain'])
    // Of those that wait one after the other, only the next commit is theirs.
    scheduler.request('interval')
    commits[1]?.done.resolve()
    await waiting
    expect(reasons()).toEqual(['interval', 'drain', 'interval'])
    commits[2]?.done.resolve()
    await scheduler.quiet()
  })

  test.each([
    [['interval', 'request'], 'request'],
    [['request', 'revoke', 'interval'], 'revoke'],
    [['drain', 'revoke'], 'drain'],
    [['bytes', 'interval'], 'bytes'],
  ] as const)('one that is asked for because of %j is made because of %s', async (asked, reason) => {
    const { commits, scheduler } = setUp()
    const first = scheduler.now('interval')
    for (const one of asked) scheduler.request(one)
    commits[0]?.done.resolve()
    await first
    expect(commits[1]?.reason).toBe(reason)
  })

  test('never makes two at once, however the asking falls between their ends and beginnings', async () => {
    const clock = new ManualClock()
    let running = 0
    let most = 0
    const scheduler = new CommitScheduler({ intervalMs: 100, records: 1, maxUncommittedBytes: Infinity }, clock, {
      commit: async () => {
        most = Math.max(most, ++running)
        for (let turn = 0; turn < 3; turn++) await Promise.resolve()
        running--
      },
      onFailure: () => undefined,
    })
    const asked: Promise<void>[] = []
    for (let i = 0; i < 200; i++) {
      asked.push(scheduler.now('request'))
      if (i % 2 === 0) scheduler.progressed(1, 0)
      for (let turn = 0; turn < i % 7; turn++) await Promise.resolve()
    }
    await Promise.all(asked)
    expect(most).toBe(1)
  })

  test('a failed commit is told to who asked and to the recovery, and the next one is made all the same', async () => {
    const { commits, failures, scheduler } = setUp()
    const first = scheduler.now('request')
    const second = scheduler.now('request')
    const error = new Error('no')
    commits[0]?.done.reject(error)
    await expect(first).rejects.toBe(error)
    expect(failures).toEqual([error])
    commits[1]?.done.resolve()
    await second
  })

  test('stop waits for the commit under way and makes no more', async () => {
    const { clock, commits, scheduler } = setUp()
    scheduler.start()
    await clock.advance(100)
    let stopped = false
    const stopping = scheduler.stop().then(() => {
      stopped = true
    })
    await Promise.resolve()
    expect(stopped).toBe(false)
    commits[0]?.done.resolve()
    await stopping
    await clock.advance(1_000)
    scheduler.request('request')
    expect(commits).toHaveLength(1)
  })
})
