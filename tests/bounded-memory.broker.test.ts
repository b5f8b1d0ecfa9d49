import { randomUUID } from 'node:crypto'
import { describe, type ExpectStatic, inject, test } from 'vitest'
import { kafka } from 'millrace/kafka'
import { fillTopic } from './support/fill-topic.ts'
import { LogClient } from './support/log-client.ts'
import { MemoryMember, memoryOf } from './support/memory-member.ts'
import type { MemoryConfig, SlowProcessor } from './support/memory-messages.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const brokers = inject('kafkaBrokers')
/** Resident memory, in MiB, that no case may exceed with the default bounds. */
const HIGHEST = 400
/** By how much resident memory may rise after the warm-up, in MiB, while half a gigabyte goes through: V8 collects when it likes to. */
const RISE = 100
/** By how much that may rise which a collection leaves, in MiB: what waits to be processed takes more when the buffer is full than when it is not. */
const LIVE_RISE = 64

const PARTITIONS = 4

async function setUp(kind: MemoryConfig['kind'], input: { records: number; bytes: number }, slow?: SlowProcessor) {
  const transport = kafka({ brokers })
  const folder = await temporaryFolder()
  const log = await LogClient.open(transport)
  const id = randomUUID().slice(0, 8)
  const topics = { input: `in-${id}`, output: `out-${id}` }
  await log.createTopics({ [topics.input]: PARTITIONS, [topics.output]: PARTITIONS })
  await fillTopic(transport, topics.input, input)
  const member = new MemoryMember({ brokers, applicationId: `memory-${id}`, topics, stateDir: folder.path, kind, slow })
  return {
    member,
    async [Symbol.asyncDispose]() {
      await member[Symbol.asyncDispose]()
      await log[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

function expectFlat(expect: ExpectStatic, reports: MemoryMember['reports']) {
  const { highest, rise, liveRise, weighed } = memoryOf(reports)
  expect(highest).toBeLessThan(HIGHEST)
  expect(rise).toBeLessThan(RISE)
  expect(weighed).toBeGreaterThan(3)
  expect(liveRise).toBeLessThan(LIVE_RISE)
}

/** From a third of the work on until its end. */
function afterWarmUp(reports: MemoryMember['reports'], records: number): MemoryMember['reports'] {
  return reports.filter(({ committed }) => committed >= records / 3 && committed < records)
}

describe.concurrent('bounded-memory', () => {
  test(
    'a million records of a kilobyte go through a processor that is slow for a minute in memory that does not grow, and no task is taken away',
    { timeout: 420_000 },
    async ({ expect }) => {
      const records = 1_000_000
      // A thousand records of each partition at a time, side by side.
      const slow = { pauseMs: (60_000 * PARTITIONS * 1_000) / records, sessionTimeoutMs: 10_000 }
      await using run = await setUp('slow-processor', { records, bytes: 1_024 }, slow)
      const { member } = run
      const began = performance.now()
      await member.until(({ now }) => now.committed >= records)
      expect(performance.now() - began).toBeGreaterThan(60_000)
      const warm = afterWarmUp(member.reports, records)
      expect(warm.length).toBeGreaterThan(20)
      expectFlat(expect, warm)
      expect(member.now).toMatchObject({ processed: records, tasksGiven: PARTITIONS, tasksTaken: 0 })
    },
  )

  test('records that become ten thousand each go through in memory that does not grow', { timeout: 420_000 }, async ({ expect }) => {
    const records = 600
    await using run = await setUp('fan-out', { records, bytes: 100 })
    const { member } = run
    await member.until(({ now }) => now.committed >= records)
    const warm = afterWarmUp(member.reports, records)
    expect(warm.length).toBeGreaterThan(20)
    expectFlat(expect, warm)
  })

  test(
    'a sink that takes nothing stops reading, and memory stays where it is until the sink takes again',
    { timeout: 180_000 },
    async ({ expect }) => {
      const records = 500_000
      await using run = await setUp('stopped-sink', { records, bytes: 1_024 })
      const { member } = run
      // Stopped: nothing was processed during sixty reports.
      await member.until(({ reports, now }) => now.processed > 0 && reports.at(-60)?.processed === now.processed)
      const stopped = member.reports.slice(-60)
      expect(member.now.processed).toBeLessThan(records / 2)
      expectFlat(expect, stopped)
      member.send({})
      await member.until(({ now }) => now.committed >= records)
      expect(memoryOf(member.reports).highest).toBeLessThan(HIGHEST)
    },
  )
})
