import { setTimeout as pause } from 'node:timers/promises'
import { describe, type ExpectStatic, inject, test } from 'vitest'
import { deferred } from './support/deferred.ts'
import { FailingGroup } from './support/failing-group.ts'
import { FailingMember, type FailingMemberConfig } from './support/failing-member.ts'
import { ACKNOWLEDGEMENTS } from './support/failing-run.ts'
import type { Work } from './support/failing-topology.ts'

const brokers = inject('kafkaBrokers')
const sessionTimeoutMs = inject('kafkaSessionTimeoutMs')
const LONG_MS = 600_000
/** Of each test: five of them share a process. */
const LIMIT_MS = 140_000
/** Who waits until passes are abandoned takes longer than a test may. */
const REVOKE_MS = LIMIT_MS + 10_000
const PROTOCOLS = ['classic', 'consumer'] as const
/** The values of a partition. */
const valuesOf = (partition: number, count: number) => Array.from({ length: count }, (_, i) => 1_000 * partition + i)
/** Of sixty records, without the bad one. */
const good = valuesOf(0, 60).filter((value) => value !== 45)
const texts = (values: readonly number[]) => values.map(String)

function memberConfig(group: FailingGroup, overrides: Partial<FailingMemberConfig> = {}): FailingMemberConfig {
  const { applicationId, topics, stateDir } = group
  return {
    brokers,
    applicationId,
    topics,
    stateDir,
    sessionTimeoutMs,
    how: 'index',
    acknowledgement: 'all-or-nothing',
    bad: [45],
    retryDelayMs: 0,
    batchTimeoutMs: 5,
    ...overrides,
  }
}

/** Forty records are committed, then twenty more are written, of which 45 is bad. */
async function untilBad(group: FailingGroup, overrides: Partial<FailingMemberConfig>): Promise<FailingMember> {
  await group.write(0, 40)
  const member = new FailingMember(memberConfig(group, { batchTimeoutMs: LONG_MS, ...overrides }))
  await member.until(({ events }) => events.some(({ type }) => type === 'state'))
  await member.ask('caughtUp')
  await group.write(0, 20)
  return member
}

/** After another start: every good record is there, in order, and only those from `committed` on have been written again, if any. */
async function expectSettled(expect: ExpectStatic, group: FailingGroup, committed: number): Promise<void> {
  await using member = new FailingMember(memberConfig(group))
  await member.until(({ events }) => events.some(({ type }) => type === 'assigned'))
  await member.ask('caughtUp')
  expect(await member.close()).toBe(0)
  const [texts = []] = await group.output()
  const written = texts.map((text) => Number.parseInt(text, 10))
  expect([...new Set(written)]).toEqual(good)
  const before = good.filter((value) => value < committed)
  expect(written.slice(0, before.length)).toEqual(before)
  expect(written.slice(before.length).every((value) => value >= committed)).toBe(true)
  const counted = await group.counted()
  expect([...counted.keys()]).toEqual(good)
  for (const value of before) expect(counted.get(value)).toBe(1)
  expect(await group.committed()).toEqual([60])
  expect(new Set(await group.deadValues())).toEqual(new Set([45]))
}

/** What was killed before any of it was handed on has left no trace: nothing counts twice. */
async function expectNoTrace(expect: ExpectStatic, group: FailingGroup): Promise<void> {
  expect(await group.output()).toEqual([texts(good)])
  expect(await group.deadValues()).toEqual([45])
}

describe.concurrent('no-loss', { timeout: LIMIT_MS }, () => {
  test.for(ACKNOWLEDGEMENTS)(
    'a process that is killed inside a batch repeats only what was not committed: %s',
    async (acknowledgement, { expect }) => {
      await using group = await FailingGroup.open({ brokers, partitions: 1, sessionTimeoutMs })
      await using member = await untilBad(group, { acknowledgement, killAt: { value: 43 } })
      await member.exit()
      expect(await group.committed()).toEqual([40])
      expect((await group.output())[0]).toHaveLength(40)
      expect(await group.deadLetters()).toEqual([])
      await expectSettled(expect, group, 40)
      await expectNoTrace(expect, group)
    },
  )

  test.for([
    { acknowledgement: 'all-or-nothing', committed: 40 },
    { acknowledgement: 'best-effort', committed: 40 },
    { acknowledgement: 'last-successful', committed: 45 },
  ] as const)(
    'a process that is killed while a batch waits to be tried again repeats only what was not committed: $acknowledgement',
    async ({ acknowledgement, committed }, { expect }) => {
      await using group = await FailingGroup.open({ brokers, partitions: 1, sessionTimeoutMs })
      await using member = await untilBad(group, { acknowledgement, retryDelayMs: LONG_MS })
      await member.until(({ events }) => events.some(({ type }) => type === 'retry'))
      // The prefix is committed before the wait is over, not before it begins.
      while ((await group.committed())[0] !== committed) {
        expect(member.hasEnded).toBe(false)
        await pause(50)
      }
      member.signal('SIGKILL')
      await member.exit()
      expect(await group.committed()).toEqual([committed])
      expect((await group.output())[0]).toHaveLength(committed)
      expect(await group.deadLetters()).toEqual([])
      await expectSettled(expect, group, committed)
      await expectNoTrace(expect, group)
    },
  )

  test.for(ACKNOWLEDGEMENTS)(
    'a process that is killed between a dead letter and its commit writes it again: %s',
    async (acknowledgement, { expect }) => {
      await using group = await FailingGroup.open({ brokers, partitions: 1, sessionTimeoutMs })
      await using member = await untilBad(group, { acknowledgement, killAt: 'dead-letter-written' })
      await member.exit()
      const [committed = 0] = await group.committed()
      expect(committed).toBeLessThanOrEqual(45)
      expect(await group.deadValues()).toEqual([45])
      await expectSettled(expect, group, committed)
      expect(await group.deadValues()).toEqual([45, 45])
    },
  )
})

/** Every record of two partitions is there once, in order, and what failed before left no trace of itself. */
async function expectAllOnce(expect: ExpectStatic, group: FailingGroup, each: number): Promise<void> {
  expect(await group.output()).toEqual([0, 1].map((partition) => texts(valuesOf(partition, each))))
  expect(await group.counted()).toEqual(new Map([0, 1].flatMap((partition) => valuesOf(partition, each)).map((value) => [value, 1])))
  expect(await group.committed()).toEqual([each, each])
  expect(await group.deadLetters()).toEqual([])
}

/** What is finished is committed: from now on, nothing of it may come again. */
async function bothCommitted(group: FailingGroup, offset: number): Promise<boolean> {
  return (await group.committed()).every((committed) => committed === offset)
}

const healthy: Work = { how: 'throw', fails: () => false }
const size = { batch: { size: 10, timeoutMs: LONG_MS } }

describe.concurrent('rebalance', { timeout: LIMIT_MS }, () => {
  test.for(PROTOCOLS.flatMap((groupProtocol) => ACKNOWLEDGEMENTS.map((acknowledgement) => ({ groupProtocol, acknowledgement }))))(
    'inside the wait for a retry: the batch is handed back at once, and processed by the other: $groupProtocol, $acknowledgement',
    async ({ groupProtocol, acknowledgement }, { expect }) => {
      await using group = await FailingGroup.open({ brokers, partitions: 2, groupProtocol })
      const first = await group.start(
        { how: 'index', fails: (value) => value % 1_000 === 15 },
        // Who waits for as long as the retry does, too.
        { ...size, revokeTimeoutMs: REVOKE_MS, failure: { acknowledgement, retry: { initialDelayMs: LONG_MS, maxDelayMs: LONG_MS } } },
      )
      for (const partition of [0, 1]) await group.write(partition, 30)
      await first.until(({ app }) => app.health().tasks.filter(({ waitsFor }) => waitsFor === 'retry').length === 2)
      await first.until(() => bothCommitted(group, acknowledgement === 'last-successful' ? 15 : 10))
      const second = await group.start(healthy)
      await second.until(() => second.of('assigned').length > 0)
      await first.app.close()
      await first.running
      await second.app.caughtUp()
      await second.app.close()
      await second.running
      expect(first.of('lost')).toEqual([])
      await expectAllOnce(expect, group, 30)
      const done = second.of('commit').reduce((sum, { records }) => sum + records, 0)
      expect(done).toBe(acknowledgement === 'last-successful' ? 30 : 40)
    },
  )

  test.for(PROTOCOLS)(
    'inside a batch: what ends in time is committed before the partition goes, and not processed again, in a %s group',
    async (groupProtocol, { expect }) => {
      await using group = await FailingGroup.open({ brokers, partitions: 2, groupProtocol })
      const gate = deferred()
      let inside = 0
      const first = await group.start(
        {
          ...healthy,
          during: ({ values }, _, at) => {
            if (at === 'begin' || !values.some((value) => value % 1_000 === 15)) return undefined
            inside++
            return gate.promise
          },
        },
        { ...size, revokeTimeoutMs: REVOKE_MS },
      )
      for (const partition of [0, 1]) await group.write(partition, 20)
      await first.until(async () => inside === 2 && (await bothCommitted(group, 10)))
      const second = await group.start(healthy)
      await first.until(({ app }) => app.health().tasks.some(({ state }) => state === 'finishing'))
      gate.resolve()
      await second.until(() => second.of('assigned').length > 0)
      for (const partition of [0, 1]) await group.write(partition, 10)
      await second.app.caughtUp()
      for (const { app } of [first, second]) await app.close()
      expect(inside).toBe(2)
      await expectAllOnce(expect, group, 30)
    },
  )

  test.for(PROTOCOLS.flatMap((groupProtocol) => [true, false].map((heeds) => ({ groupProtocol, heeds }))))(
    'inside a batch that does not end in time: it is handed back, and has no effect. It heeds the signal: $heeds, in a $groupProtocol group',
    async ({ groupProtocol, heeds }, { expect }) => {
      await using group = await FailingGroup.open({ brokers, partitions: 2, groupProtocol })
      const gate = deferred()
      let inside = 0
      let ended = 0
      const first = await group.start(
        {
          ...healthy,
          during: async ({ values }, { signal }, at) => {
            if (at === 'begin' || !values.some((value) => value % 1_000 === 15)) return
            inside++
            const aborted = new Promise((_, reject) => {
              signal.addEventListener('abort', () => reject(signal.reason as Error))
            })
            aborted.catch(() => undefined)
            try {
              await Promise.race(heeds ? [gate.promise, aborted] : [gate.promise])
            } finally {
              ended++
            }
          },
        },
        { ...size, revokeTimeoutMs: 400 },
      )
      for (const partition of [0, 1]) await group.write(partition, 20)
      await first.until(async () => inside === 2 && (await bothCommitted(group, 10)))
      const second = await group.start(healthy)
      await second.until(() => second.of('assigned').length > 0)
      await first.app.close()
      await first.running
      await second.app.caughtUp()
      // It goes on when everything has long been done elsewhere.
      gate.resolve()
      while (ended < inside) await pause(5)
      for (const partition of [0, 1]) await group.write(partition, 10)
      await second.app.caughtUp()
      await second.app.close()
      expect(second.of('failure')).toEqual([])
      await expectAllOnce(expect, group, 30)
    },
  )
})
