import { describe, expect, it } from 'vitest'
import { PackedAdmin } from '../../src/index.ts'
import { KEY, WireBroker, type WireAnswer, type WireRequest } from '../support/wire-broker.ts'

describe('PackedAdmin', () => {
  it('asks again for topics when a connection breaks, as it does for what it changes', async () => {
    await using broker = await WireBroker.open({ name: 't', partitions: [{ leader: 1, epoch: 0 }] })
    await using admin = await PackedAdmin.open({ brokers: broker.brokers })
    let isCut = false
    // Every other question.
    broker.answers.set(KEY.metadata, (request: WireRequest): WireAnswer => {
      isCut = !isCut
      return isCut ? 'cut' : broker.usual(request)
    })
    expect(await admin.listTopics()).toEqual(['t'])
    expect(await admin.describeTopics(['t'])).toMatchObject([{ topic: 't', partitions: 1, ready: true }])
    expect(broker.count(KEY.metadata)).toBe(5)
  })
})
