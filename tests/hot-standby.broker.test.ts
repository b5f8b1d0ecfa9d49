import { setTimeout as pause } from 'node:timers/promises'
import type { RuntimeEvent } from 'millrace'
import { describe, type ExpectStatic, inject, test } from 'vitest'
import { descents, lostWords, unorderedWords } from './support/at-least-once.ts'
import { notExact } from './support/exactly-once.ts'
import type { Member } from './support/member.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedGroup } from './support/traced-group.ts'

const brokers = inject('kafkaBrokers')
/** Eight processes at once: nobody but who is killed may be taken for dead. */
const SESSION_MS = 10_000
/** So many records of changelogs are to be followed: far more than come before and after, so that who follows nothing reads most back. */
const FOLLOWED = 2_000

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

/** Records that its commits wrote to changelogs, as far as it has told. */
function changelogged({ events }: Member): number {
  return events.reduce((sum, event) => sum + (event.type === 'commit' ? event.changelogRecords : 0), 0)
}

/** Resolves when a look at the changelogs, from now on, finds nothing that is missing for these tasks. */
async function followed(heir: Member, tasks: readonly string[]): Promise<void> {
  const told = heir.events.length
  const hasAll = (task: string) => (event: RuntimeEvent) =>
    event.type === 'standby' && event.task === task && event.phase === 'progress' && event.remainingRecords === 0
  await heir.until(({ events }) => tasks.every((task) => events.slice(told).some(hasAll(task))))
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
        sessionTimeoutMs: SESSION_MS,
        groupProtocol: 'classic',
        partitions: 2,
        folder: folder.path,
      })
      const options = { processingGuarantee, backend, hotStandby: true }
      await using one = group.start('one', options)
      for (let i = 0; i < 10; i++) {
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
      const written = changelogged(victim)
      await group.writeUntil(victim, (member) => changelogged(member) >= written + FOLLOWED, 20)
      await victim.ask('caughtUp')
      await followed(heir, moving)
      // It is killed in the midst of a little more.
      const all = changelogged(victim)
      await group.writeUntil(victim, (member) => changelogged(member) >= all + 100, 20)
      const before = restored(heir, moving)
      victim.signal('SIGKILL')
      await victim.exit()
      await group.write(100)
      await heir.until(({ tasks }) => tasks.size === 4)
      await heir.ask('caughtUp')
      const handedOver = heir.events.flatMap((event) => (event.type === 'standby' && event.phase === 'handed-over' ? event.task : []))
      expect(handedOver.toSorted()).toEqual(expect.arrayContaining(moving.toSorted()))
      const readBack = restored(heir, moving) - before
      expect(await heir.close()).toBe(0)
      const { changelog } = await group.written()
      const inAll = changelog.filter(({ partition }) => moving.includes(`1_${partition}`)).length
      expect(readBack).toBeLessThan(inAll / 2)
      await expectCounted(group, processingGuarantee, expect)
    },
  )
})
