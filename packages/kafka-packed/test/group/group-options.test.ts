import { describe, expect, it } from 'vitest'
import { resolveGroupOptions } from '../../src/group/group-options.ts'

describe('options of a member', () => {
  it('names everything that is wrong at once', () => {
    const wrong = { brokers: [], groupId: '', groupInstanceId: 1, sessionTimeoutMs: 0, coLocate: 'yes', warm: [], sesionTimeoutMs: 1 }
    const resolve = (): unknown => resolveGroupOptions(wrong as never)
    for (const name of ['brokers', 'groupId', 'groupInstanceId', 'sessionTimeoutMs', 'coLocate', 'warm', 'sesionTimeoutMs'])
      expect(resolve).toThrow(name)
  })

  it('leaves to the brokers what they decide in groups of KIP-848', () => {
    const options = { brokers: [{ host: 'none', port: 1 }], groupId: 'g' }
    expect(resolveGroupOptions({ ...options, groupProtocol: 'consumer' })).toMatchObject({
      groupProtocol: 'consumer',
      serverAssignor: undefined,
    })
    const wrong = (more: object) => () => resolveGroupOptions({ ...options, ...more })
    expect(wrong({ groupProtocol: 'new' })).toThrow(/groupProtocol is .*; use 'classic' or 'consumer'/)
    expect(wrong({ serverAssignor: 'range' })).toThrow("serverAssignor is for groupProtocol 'consumer'")
    expect(wrong({ groupProtocol: 'consumer', serverAssignor: '' })).toThrow('serverAssignor is')
    expect(wrong({ groupProtocol: 'consumer', coLocate: true })).toThrow("use serverAssignor 'range'")
    expect(wrong({ groupProtocol: 'consumer', standbys: { replicas: 1, topics: [] } })).toThrow("standbys is for groupProtocol 'classic'")
    expect(wrong({ standbys: { replicas: 0, topics: 'a' } })).toThrow(/standbys.replicas is 0[^]*standbys.topics is/)
    expect(wrong({ groupProtocol: 'consumer', warm: () => [] })).toThrow("warm is for groupProtocol 'classic'")
  })

  it('beats at least three times a session, and waits for no answer that would come too late', () => {
    const options = resolveGroupOptions({ brokers: [{ host: 'none', port: 1 }], groupId: 'g', sessionTimeoutMs: 6_000 })
    expect([options.heartbeatIntervalMs, options.connect.requestTimeoutMs]).toEqual([2_000, 6_000])
  })
})
