import { describe, expect, it } from 'vitest'
import { resolveGroupOptions } from '../../src/group/group-options.ts'

describe('options of a member', () => {
  it('names everything that is wrong at once', () => {
    const wrong = { brokers: [], groupId: '', groupInstanceId: 1, sessionTimeoutMs: 0, coLocate: 'yes', warm: [], sesionTimeoutMs: 1 }
    const resolve = (): unknown => resolveGroupOptions(wrong as never)
    for (const name of ['brokers', 'groupId', 'groupInstanceId', 'sessionTimeoutMs', 'coLocate', 'warm', 'sesionTimeoutMs'])
      expect(resolve).toThrow(name)
  })

  it('beats at least three times a session, and waits for no answer that would come too late', () => {
    const options = resolveGroupOptions({ brokers: [{ host: 'none', port: 1 }], groupId: 'g', sessionTimeoutMs: 6_000 })
    expect([options.heartbeatIntervalMs, options.connect.requestTimeoutMs]).toEqual([2_000, 6_000])
  })
})
