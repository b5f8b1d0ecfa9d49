import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { serdes } from 'millrace'
import { kafka } from 'millrace/kafka'
import { digestOfBigState, recordsOf, valueOf, writeBigState } from './support/big-state.ts'
import { LogClient } from './support/log-client.ts'
import { RestoreMember } from './support/restore-member.ts'
import type { RestoreConfig } from './support/restore-messages.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const brokers = inject('kafkaBrokers')
const maxPollIntervalMs = 3 * inject('kafkaSessionTimeoutMs')
const KEYS = 1_000_000
const MEBIBYTE = 1024 * 1024
const text = { key: serdes.string, value: serdes.string }
const sample = Array.from({ length: 100 }, (_, key) => valueOf(key) ?? null)

const id = randomUUID().slice(0, 8)
const applicationId = `restores-${id}`
const topics = { big: `big-${id}`, small: `small-${id}`, output: `out-${id}` }
let log: LogClient
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeAll(async () => {
  const transport = kafka({ brokers })
  folder = await temporaryFolder()
  log = await LogClient.open(transport)
  await log.createTopics({ [topics.big]: 2, [topics.small]: 1, [topics.output]: 1 })
  const topic = `${applicationId}-big-changelog`
  await log.admin.createTopics([{ topic, partitions: 2, config: { 'cleanup.policy': 'compact' } }])
  await writeBigState(transport, topic, KEYS)
})

afterAll(async () => {
  await log[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

const start = (overrides: Partial<RestoreConfig> = {}) =>
  new RestoreMember({ brokers, applicationId, topics, stateDir: folder.path, maxPollIntervalMs, ...overrides })

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

describe('restore', () => {
  test('a million keys come back from their changelog, in memory that does not know how many there are', { timeout: 180_000 }, async () => {
    await using member = start()
    const began = performance.now()
    const { highestRssBytes, longestTurnMs } = await member.restored()
    const tookMs = performance.now() - began
    const completed = member.restoreEvents('completed')
    const records = recordsOf(KEYS)
    expect(completed.map(({ task }) => task).toSorted()).toEqual(['0_0', '0_1'])
    expect(sum(completed.map(({ restoredRecords }) => restoredRecords))).toBe(records)
    expect((await member.ask('digest')).digest).toEqual(digestOfBigState(KEYS))
    expect((await member.ask('sample')).sample).toEqual(sample)
    expect(highestRssBytes / MEBIBYTE).toBeLessThan(400)
    // On most machines it takes longer than a member may stay away from its group.
    expect(member.events.filter(({ type }) => type === 'lost')).toEqual([])
    const progress = member.restoreEvents('progress')
    expect(progress.length).toBeGreaterThan(0)
    expect(progress.every(({ restoredRecords, remainingRecords, from, to }) => restoredRecords + remainingRecords === to - from)).toBe(true)
    const fields = { task: '0_1', store: 'big', total: KEYS / 2 }
    expect(member.lines).toContainEqual({
      ...fields,
      done: 0,
      changelog: `${applicationId}-big-changelog-1`,
      message: 'restoring state begins',
    })
    expect(member.lines).toContainEqual(expect.objectContaining({ ...fields, done: KEYS / 2, message: 'state restored' }))
    expect(await member.close()).toBe(0)
    const longestMs = Math.max(...completed.map(({ durationMs }) => durationMs))
    console.log(
      `restored ${records} records in ${Math.round(longestMs)} ms (${Math.round(records / longestMs)} a millisecond; ${Math.round(tookMs)} ms with the start ` +
        `of the process), ${Math.round(highestRssBytes / MEBIBYTE)} MiB, longest turn ${Math.round(longestTurnMs)} ms`,
    )
  })

  test(
    'a process that is killed half way goes on there when it is run again, and its other tasks do not wait for that',
    { timeout: 180_000 },
    async () => {
      await rm(folder.path, { recursive: true })
      const killAfter = 400_000
      await using killed = start({ killAfter })
      expect(await killed.exit()).toBeNull()
      expect(killed.restoreEvents('completed')).toEqual([])

      await using member = start({ hold: true })
      await member.held()
      await log.write(
        topics.small,
        text,
        Array.from({ length: 100 }, (_, i) => ({ key: `key ${i % 10}`, value: 'x' })),
      )
      // Nothing is restored any further meanwhile.
      await member.until(({ events }) => sum(events.map((event) => (event.type === 'commit' ? event.records : 0))) === 100)
      const output = await log.readAll(topics.output, text)
      expect(output.filter(({ key }) => key === 'key 7').map(({ value }) => value.length)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      expect(member.restoreEvents('completed')).toEqual([])

      await member.ask('go-on')
      await member.restored()
      const started = member.restoreEvents('started')
      expect(sum(started.map(({ from }) => from))).toBeGreaterThanOrEqual(killAfter)
      const completed = member.restoreEvents('completed')
      expect(sum(completed.map(({ restoredRecords }) => restoredRecords))).toBe(sum(started.map(({ from, to }) => to - from)))
      expect((await member.ask('digest')).digest).toEqual(digestOfBigState(KEYS))
      expect((await member.ask('sample')).sample).toEqual(sample)
      expect(await member.close()).toBe(0)
    },
  )
})
