import { describe, expect, test } from 'vitest'
import { resultOf, told } from '../src/soak/results.ts'

const MIB = 1_048_576
const looks = (mib: (second: number) => number) =>
  Array.from({ length: 1_800 }, (_, second) => ({ type: 'memory' as const, atMs: second * 1_000, residentBytes: mib(second) * MIB }))
const rounds = Array.from({ length: 50 }, (_, i) => ({
  type: 'round' as const,
  round: i + 1,
  ms: 10_000,
  counted: 2_000_000,
  liveBytes: (100 + (i % 3)) * MIB,
}))

describe('a soak', () => {
  test('that warms up, and then goes up and down, is flat', () => {
    const result = resultOf(
      looks((second) => Math.min(400, 200 + second) + (second % 20)),
      rounds,
      2_000_000,
    )
    expect(result).toMatchObject({ records: 100_000_000, rounds: 50, perSecond: 200_000, flat: true })
    expect(result.highestMib).toBe(419)
    expect(result.liveMib).toEqual(Array.from({ length: 10 }, () => 100))
    expect(told(result)).toMatch(/\nreached +resident memory flat: 41\d MiB \(median\), 419 at most/)
  })

  test('that counts something twice or not at all says in which rounds', () => {
    const flat = looks(() => 300)
    const wrong = rounds.map((round) => ({ ...round, counted: round.counted + ({ 3: 1, 7: -1 }[round.round] ?? 0) }))
    expect(resultOf(flat, wrong, 2_000_000).miscounted).toEqual([3, 7])
    expect(told(resultOf(flat, wrong, 2_000_000))).toContain('NOT REACHED  each record counted once a round: not in 3, 7\n')
    expect(told(resultOf(flat, rounds, 2_000_000))).toContain('reached      each record counted once a round\n')
  })

  test('that grows by a little all the time is not', () => {
    const result = resultOf(
      looks((second) => 300 + second / 60),
      rounds,
      2_000_000,
    )
    expect(result.riseMib).toBeCloseTo(24, 0)
    expect(result.flat).toBe(false)
    expect(told(result)).toContain('NOT REACHED  resident memory flat')
  })
})
