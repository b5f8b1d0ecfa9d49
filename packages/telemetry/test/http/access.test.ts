import { expect, test } from 'vitest'
import { Access } from '../../src/http/access.ts'

function flooded() {
  let now = 0
  const access = new Access({ token: undefined, requestsPerSecond: 50, now: () => now })
  const asked = (times: number, address: string) =>
    Array.from({ length: times }, () => access.admits('probe', address)).filter(Boolean).length
  return { access, asked, pass: (ms: number) => (now += ms) }
}

test('a flood of health checks does not lock out who checks from elsewhere', () => {
  const { access, asked, pass } = flooded()
  expect(asked(10_000, '10.0.0.66')).toBe(100 + 2)
  expect(asked(5, '10.0.0.1')).toBe(2)
  for (let second = 0; second < 60; second++) {
    pass(1_000)
    expect(asked(1_000, '10.0.0.66')).toBe(50 + 1)
    expect(asked(1, '10.0.0.1')).toBe(1)
  }
  // All else has no such reserve.
  expect(Array.from({ length: 200 }, () => access.admits('anonymous', '10.0.0.1')).filter(Boolean)).toHaveLength(100)
})

test('from however many addresses it comes, who checks is let through', () => {
  const { access, asked } = flooded()
  expect(asked(200, '10.0.0.66')).toBe(102)
  for (let i = 0; i < 5_000; i++) access.admits('probe', `10.1.${i >> 8}.${i & 255}`)
  expect(asked(1, '10.0.0.1')).toBe(1)
})
