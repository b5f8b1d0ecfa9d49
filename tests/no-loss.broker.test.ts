import { rm } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, type ExpectStatic, inject, test } from 'vitest'
import { descents, lostWords, miscountedWords, ofLastEpochs, strayState, unorderedWords } from './support/at-least-once.ts'
import type { Member } from './support/member.ts'
import { Random } from './support/random.ts'
import { steps } from './support/steps.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedGroup } from './support/traced-group.ts'
import { tracedSerdes } from './support/traced-word-count.ts'

const brokers = inject('kafkaBrokers')
const sessionTimeoutMs = inject('kafkaSessionTimeoutMs')

/** A process is killed some time, at most `withinMs`, after `once` has become true. */
interface Moment {
  readonly what: string
  readonly once: (member: Member) => boolean
  readonly withinMs: number
}
/** Of one process after another: it is killed in the midst of its work, and twice more before it has got there again. */
const moments: readonly Moment[] = [
  { what: 'its first commit', once: ({ commits }) => commits > 0, withinMs: 1_500 },
  // It is loaded, joins, and others give up what it is to have.
  { what: 'its start', once: () => true, withinMs: 5_000 },
  {
    what: 'the beginning of a restore',
    // It may be given nothing that has any state.
    once: (member) => member.commits > 0 || member.events.some(({ type }) => type === 'restore'),
    withinMs: 50,
  },
]
const ROUNDS = 3

/**
 * Everything counted at least once, in order; state and changelog agree with what was put out. Whoever of `living` was put out, by a machine that had no time
 * for it, goes on until it hears so.
 */
async function expectNothingLost(group: TracedGroup, expect: ExpectStatic, living: readonly Member[] = []) {
  const { output: all, changelog } = await group.written()
  const output = living.some(({ wasPutOut }) => wasPutOut) ? ofLastEpochs(all) : all
  expect(lostWords(output, group.trueCounts())).toEqual([])
  expect(unorderedWords(output)).toEqual([])
  expect(strayState(changelog, output)).toEqual([])
  expect(descents(changelog)).toEqual([])
}

describe.concurrent('no-loss', () => {
  test.for(steps.flatMap((step) => [{ step, state: 'kept' } as const, { step, state: 'deleted' } as const]))(
    'a process that is killed at the step $step loses nothing, with its state $state',
    { timeout: 300_000 },
    async ({ step, state }, { expect }) => {
      await using folder = await temporaryFolder()
      await using group = await TracedGroup.open({
        brokers,
        sessionTimeoutMs,
        groupProtocol: 'classic',
        partitions: 2,
        folder: folder.path,
      })
      await group.write(2_000)
      // The first two commits are of where reading begins, so that something has been counted before.
      await using first = group.start('one', { signalAt: { step, afterCommits: 4, signal: 'SIGKILL' }, commitIntervalMs: 20 })
      await first.exit()
      expect(first.commits).toBeGreaterThan(0)
      await group.write(50)
      if (state === 'deleted') await rm(group.stateDir('one'), { recursive: true })
      await using second = group.start('one')
      await second.until(({ events }) => events.some(({ type }) => type === 'state'))
      await second.ask('caughtUp')
      expect(await second.close()).toBe(0)
      await expectNothingLost(group, expect)
    },
  )

  test.for(['before-persist', 'after-persist', 'before-commit', 'after-commit'] as const)(
    'a process that is killed at the step %s goes on where its state without a changelog is: nothing is lost, and no record counted twice',
    { timeout: 300_000 },
    async (step, { expect }) => {
      await using folder = await temporaryFolder()
      await using group = await TracedGroup.open({
        brokers,
        sessionTimeoutMs,
        groupProtocol: 'classic',
        partitions: 2,
        folder: folder.path,
      })
      const changelog = false
      await group.write(2_000)
      await using first = group.start('one', { changelog, signalAt: { step, afterCommits: 4, signal: 'SIGKILL' }, commitIntervalMs: 20 })
      await first.exit()
      expect(first.commits).toBeGreaterThan(0)
      await group.write(50)
      await using second = group.start('one', { changelog })
      await second.until(({ tasks }) => tasks.size === 4)
      await second.ask('caughtUp')
      expect(await second.close()).toBe(0)
      const output = await group.log.readAll(group.topics.output, tracedSerdes)
      expect(lostWords(output, group.trueCounts())).toEqual([])
      expect(miscountedWords(output)).toEqual([])
      const internal = await group.log.admin.describeTopics([new RegExp(`^${group.applicationId}-`)])
      expect(internal.map(({ topic }) => topic)).toEqual([`${group.applicationId}-by-word-repartition`])
    },
  )

  test.for(['during-persist', 'after-persist'] as const)(
    'a process that is killed while it restores, at the step %s of a local write, loses nothing',
    { timeout: 300_000 },
    async (step, { expect }) => {
      await using folder = await temporaryFolder()
      await using group = await TracedGroup.open({
        brokers,
        sessionTimeoutMs,
        groupProtocol: 'classic',
        partitions: 2,
        folder: folder.path,
      })
      await group.write(1_000)
      await using counting = group.start('one')
      await counting.until(({ tasks }) => tasks.size === 4)
      await counting.ask('caughtUp')
      expect(await counting.close()).toBe(0)
      await rm(group.stateDir('one'), { recursive: true })
      await group.write(50)
      await using restoring = group.start('one', { signalAt: { step, afterCommits: 0, signal: 'SIGKILL' } })
      await restoring.exit()
      const phases = restoring.events.flatMap((event) => (event.type === 'restore' ? event.phase : []))
      expect(phases).toContain('started')
      expect(phases.filter((phase) => phase === 'completed').length).toBeLessThan(2)
      await using last = group.start('one')
      await last.until(({ tasks }) => tasks.size === 4)
      await last.ask('caughtUp')
      expect(await last.close()).toBe(0)
      await expectNothingLost(group, expect)
    },
  )

  test.for(['classic', 'consumer'] as const)(
    'processes that are killed at any moment lose nothing while input is written, with their state kept or deleted, in a %s group',
    { timeout: 400_000 },
    async (groupProtocol, { expect, onTestFailed }) => {
      const random = new Random()
      const killed: string[] = []
      let beforeCommit = 0
      onTestFailed(() => {
        process.stderr.write(`MILLRACE_SEED=${random.seed}; killed:\n${killed.join('\n')}\n`)
      })
      await using folder = await temporaryFolder()
      await using group = await TracedGroup.open({ brokers, sessionTimeoutMs, groupProtocol, partitions: 4, folder: folder.path })
      const names = ['one', 'two', 'three']
      const everybody: Member[] = []
      const start = (name: string): Member => {
        const member = group.start(name, { commitIntervalMs: 500 })
        everybody.push(member)
        return member
      }
      const members = new Map<string, Member>()
      let going = true
      const writing = (async () => {
        while (going) {
          await group.write(100)
          // Not without end: all of it is read and checked.
          await pause(group.lines.length < 20_000 ? 50 : 500)
        }
      })()
      // It is told below; till then it is nobody's.
      writing.catch(() => undefined)
      try {
        for (const name of names) members.set(name, start(name))
        for (let kill = 0; kill < ROUNDS * moments.length; kill++) {
          const name = names[Math.floor(kill / moments.length) % names.length] as string
          const { what, once, withinMs } = moments[kill % moments.length] as Moment
          const member = members.get(name) as Member
          await member.until(once)
          // Sooner at first, so that some have not come to commit anything.
          const pauseMs = random.below((withinMs * (1 + Math.floor(kill / moments.length))) / ROUNDS)
          await pause(pauseMs)
          member.signal('SIGKILL')
          await member.exit()
          killed.push(`${name}, ${pauseMs} ms after ${what}: ${member.commits} commits, ${member.tasks.size} tasks`)
          beforeCommit += member.commits === 0 ? 1 : 0
          if (random.below(2) === 1) await rm(group.stateDir(name), { recursive: true, force: true })
          members.set(name, start(name))
        }
        expect(beforeCommit).toBeGreaterThan(0)
        going = false
        await writing
        await (members.get('one') as Member).until(({ commits }) => commits > 0)
        await (members.get('one') as Member).ask('caughtUp')
        for (const member of members.values()) expect(await member.close()).toBe(0)
        await expectNothingLost(group, expect, everybody)
      } finally {
        going = false
        await writing
        for (const member of members.values()) await member[Symbol.asyncDispose]()
      }
    },
  )
})
