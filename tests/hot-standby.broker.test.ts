import { setTimeout as pause } from 'node:timers/promises'
import { describe, type ExpectStatic, inject, test } from 'vitest'
import { descents, lostWords, unorderedWords } from './support/at-least-once.ts'
import { notExact } from './support/exactly-once.ts'
import type { Member } from './support/member.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedGroup } from './support/traced-group.ts'

const brokers = inject('kafkaBrokers')
const sessionTimeoutMs = inject('kafkaSessionTimeoutMs')
/** Of the process that is killed: what they wrote, at most, has not been followed yet. */
const LAST_COMMITS = 5

const caughtUp = ({ events }: Member, task: string) =>
  events.findLast((event) => event.type === 'standby' && event.task === task && event.phase === 'caught-up') !== undefined

const counting = ({ tasks }: Member) => [...tasks].filter((task) => task.startsWith('1_'))

/** Records read back for tasks, when they came. */
function restored({ events }: Member, tasks: readonly string[]): number {
  return events.reduce(
    (sum, event) =>
      event.type === 'restore' && event.phase === 'completed' && tasks.includes(event.task) ? sum + event.restoredRecords : sum,
    0,
  )
}

/** What the last commits, and what is told of them too late, wrote to changelogs at most. */
function lastRecords({ events }: Member): number {
  const records = events.flatMap((event) => (event.type === 'commit' && event.changelogRecords > 0 ? event.changelogRecords : []))
  return records.slice(-LAST_COMMITS).reduce((sum, count) => sum + count, 0) + 2 * Math.max(...records)
}

async function expectCounted(group: TracedGroup, guarantee: 'at-least-once' | 'exactly-once', expect: ExpectStatic): Promise<void> {
  const wrong = async () => {
    const { output, changelog } = await group.written()
    const truth = group.trueCounts()
    if (guarantee === 'exactly-once') return notExact(truth, output, changelog)
    return [...lostWords(output, truth), ...unorderedWords(output), ...descents(changelog)]
  }
  // What a killed process has left open hides what comes behind it, until the broker gives it up.
  await expect.poll(wrong, { timeout: 60_000 }).toEqual([])
}

describe.concurrent.each(['leveldb', 'memory'] as const)('with stores of %s', (backend) => {
  test.for(['at-least-once', 'exactly-once'] as const)(
    '%s, tasks of a process that was killed are taken over by one that has followed them, and reads back little',
    { timeout: 300_000 },
    async (processingGuarantee, { expect }) => {
      await using folder = await temporaryFolder()
      await using group = await TracedGroup.open({
        brokers,
        sessionTimeoutMs,
        groupProtocol: 'classic',
        partitions: 2,
        folder: folder.path,
      })
      const options = { processingGuarantee, backend, hotStandby: true }
      await using one = group.start('one', options)
      for (let i = 0; i < 20; i++) {
        await group.write(100)
        await pause(100)
      }
      await one.until(({ tasks }) => tasks.size === 4)
      await one.ask('caughtUp')
      await using two = group.start('two', options)
      await two.until(({ tasks }) => tasks.size === 2)
      await one.until(({ tasks }) => tasks.size === 2)
      const [victim, heir] = counting(one).length > 0 ? [one, two] : [two, one]
      const moving = counting(victim)
      await heir.until((member) => moving.every((task) => caughtUp(member, task)))
      for (let i = 0; i < 60; i++) {
        await group.write(20)
        await pause(50)
      }
      const before = restored(heir, moving)
      victim.signal('SIGKILL')
      await victim.exit()
      await group.write(100)
      await heir.until(({ tasks }) => tasks.size === 4)
      await heir.ask('caughtUp')
      const handedOver = heir.events.flatMap((event) => (event.type === 'standby' && event.phase === 'handed-over' ? event.task : []))
      expect(handedOver.toSorted()).toEqual(expect.arrayContaining(moving.toSorted()))
      const { changelog } = await group.written()
      const bound = lastRecords(victim)
      expect(bound).toBeLessThan(changelog.length / 4)
      expect(restored(heir, moving) - before).toBeLessThanOrEqual(bound)
      expect(await heir.close()).toBe(0)
      await expectCounted(group, processingGuarantee, expect)
    },
  )
})
