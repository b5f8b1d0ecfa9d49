import { describe, expect, test } from 'vitest'
import { ManualClock, MillraceError, type OffsetCommit, type RecordSource } from '@millrace/core'
import { Membership } from '../../src/commit/membership.ts'

const held: OffsetCommit = { topic: 'in', partition: 0, offset: 7 }

/** A group that takes so long for each answer. */
function slowGroup(clock: ManualClock, answerMs: () => number, sessionTimeoutMs?: number) {
  const asked: (readonly OffsetCommit[])[] = []
  const source = {
    sessionTimeoutMs,
    commit: async (offsets: readonly OffsetCommit[]) => {
      asked.push(offsets)
      await clock.advance(answerMs())
    },
  } as unknown as RecordSource
  return { asked, membership: new Membership(source, clock) }
}

describe('membership', () => {
  test('is asked for with an offset that is committed already, and not again while the answer is young', async () => {
    const clock = new ManualClock(5_000)
    const { asked, membership } = slowGroup(clock, () => 10)
    await membership.confirm(held)
    await clock.advance(980)
    await membership.confirm(held)
    expect(asked).toEqual([[held]])
    await clock.advance(10)
    await membership.confirm(held)
    expect(asked).toEqual([[held], [held]])
  })

  test('is known from every commit', async () => {
    const { asked, membership } = slowGroup(new ManualClock(), () => 0)
    await membership.commit([{ ...held, offset: 8 }])
    await membership.confirm(held)
    expect(asked).toHaveLength(1)
  })

  test('is asked for again when the answer came too late, as after a stop of the process', async () => {
    const times = [60_000, 5]
    const { asked, membership } = slowGroup(new ManualClock(), () => times.shift() as number)
    await membership.confirm(held)
    expect(asked).toHaveLength(2)
  })

  test('is certain for a tenth of the session: a coordinator may take that long to answer', async () => {
    const clock = new ManualClock()
    const { asked, membership } = slowGroup(clock, () => 2_500, 45_000)
    await membership.confirm(held)
    await clock.advance(1_900)
    await membership.confirm(held)
    expect(asked).toHaveLength(1)
    await clock.advance(200)
    await membership.confirm(held)
    expect(asked).toHaveLength(2)
  })

  test('is given up with a clear error, which may pass, when every answer comes too late', async () => {
    const { asked, membership } = slowGroup(new ManualClock(), () => 1_050)
    const error: unknown = await membership.confirm(held).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject({
      code: 'TIMED_OUT',
      retryable: true,
      message: expect.stringMatching(/longer than 1000 ms .* 5 times/) as string,
    })
    expect(asked).toHaveLength(5)
  })
})
