import { describe, expect, test } from 'vitest'
import { MillraceError, serdes, TopologyBuilder, type TransportAdmin } from '@millrace/core'
import { waitUntilCaughtUp } from '../../src/app/caught-up.ts'
import type { TopicPlan } from '../../src/app/topic-plan.ts'

const builder = new TopologyBuilder('read')
builder.source('in', { topics: ['in'], key: serdes.string, value: serdes.string }).peek('look', () => undefined)
const topology = builder.build()
const plan = {
  subTopologies: topology.subTopologies.map((subTopology) => ({ subTopology, inputs: [], partitions: 1 })),
  subscription: ['in'],
  partitions: new Map(),
} as unknown as TopicPlan

/** Answers each question only after so many refusals. */
function admin(refusals: number, retryable: boolean) {
  const left = new Map<string, number>()
  const refusing =
    <T>(name: string, answer: T) =>
    async () => {
      const before = left.get(name) ?? refusals
      left.set(name, before - 1)
      if (before > 0) throw new MillraceError('BROKER_UNREACHABLE', name, { stage: 'source', retryable })
      return answer
    }
  const at = (offset: number) => [{ topic: 'in', partition: 0, offset }]
  return {
    describeTopics: refusing('topics', [{ topic: 'in', partitions: 1 }]),
    beginningOffsets: refusing('begins', at(0)),
    endOffsets: refusing('ends', at(5)),
    committedOffsets: refusing('committed', at(5)),
  } as unknown as TransportAdmin
}

describe('to be caught up', () => {
  test('is waited for while brokers are away', async () => {
    let waited = 0
    await waitUntilCaughtUp({ plan, applicationId: 'app', admin: admin(2, true), next: async () => void waited++ })
    expect(waited).toBeGreaterThanOrEqual(6)
  })

  test('is not waited for when a question is refused for good, nor when the application ends', async () => {
    const next = async () => undefined
    await expect(waitUntilCaughtUp({ plan, applicationId: 'app', admin: admin(1, false), next })).rejects.toThrow('topics')
    const ended = () => Promise.reject(new Error('it has ended'))
    await expect(waitUntilCaughtUp({ plan, applicationId: 'app', admin: admin(1, true), next: ended })).rejects.toThrow('it has ended')
  })
})
