import { rm } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import type { RuntimeEvent } from 'millrace'
import { describe, type ExpectStatic, inject, test } from 'vitest'
import { notExact } from './support/exactly-once.ts'
import type { Member } from './support/member.ts'
import { transactionSteps } from './support/steps.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedGroup } from './support/traced-group.ts'

const brokers = inject('kafkaBrokers')
const sessionTimeoutMs = inject('kafkaSessionTimeoutMs')
const processingGuarantee = 'exactly-once'

async function expectExact(group: TracedGroup, expect: ExpectStatic) {
  const wrong = async () => {
    const { output, changelog } = await group.written()
    return notExact(group.trueCounts(), output, changelog)
  }
  // What a killed process has left open hides what comes behind it, until the broker gives it up.
  await expect.poll(wrong, { timeout: 60_000 }).toEqual([])
}

/** The records of each changelog that it has read again. */
function restored({ events }: Member): number {
  return events.reduce((sum, event) => sum + (event.type === 'restore' && event.phase === 'completed' ? event.restoredRecords : 0), 0)
}

describe.concurrent('exactly-once', () => {
  test.for(transactionSteps.flatMap((step, i) => ({ step, state: i % 2 === 0 ? 'kept' : 'deleted' })))(
    'a process that is killed at the step $step, its state $state, neither loses nor repeats anything',
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
      await group.write(1_000)
      const options = { processingGuarantee, commitIntervalMs: 20 } as const
      // The first two commits are of where reading begins.
      await using first = group.start('one', { ...options, signalAt: { step, afterCommits: 4, signal: 'SIGKILL' } })
      await first.exit()
      expect(first.commits).toBeGreaterThan(0)
      await group.write(50)
      if (state === 'deleted') await rm(group.stateDir('one'), { recursive: true })
      await using second = group.start('one', options)
      await second.until(({ events }) => events.some(({ type }) => type === 'state'))
      await second.ask('caughtUp')
      expect(await second.close()).toBe(0)
      await expectExact(group, expect)
    },
  )

  test.for(['before-write', 'before-changelog', 'during-flush', 'after-offsets', 'during-commit', 'before-persist'] as const)(
    'a process that is stopped at the step %s for longer than its session, and goes on, neither loses nor repeats anything',
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
      await using stopping = group.start('stopping', { processingGuarantee, signalAt: { step, afterCommits: 6, signal: 'SIGSTOP' } })
      let going = true
      const writing = (async () => {
        while (going) {
          await group.write(40)
          await pause(50)
        }
      })()
      // It is told below; till then it is nobody's.
      writing.catch(() => undefined)
      try {
        await group.signalled(stopping, 'stopping')
        await using other = group.start('other', { processingGuarantee })
        await other.until(({ tasks }) => tasks.size === 4)
        const { commits } = other
        await other.until((member) => member.commits > commits + 5)
        stopping.signal('SIGCONT')
        await stopping.until(({ events }) => hasLost(events))
        going = false
        await writing
        await other.ask('caughtUp')
        expect(await other.close()).toBe(0)
        expect(await stopping.close()).toBe(0)
        await expectExact(group, expect)
      } finally {
        going = false
        await writing
      }
    },
  )

  test.for(['classic', 'consumer'] as const)(
    'members that come and go in a %s group while input is written neither lose nor repeat anything',
    { timeout: 300_000 },
    async (groupProtocol, { expect }) => {
      await using folder = await temporaryFolder()
      await using group = await TracedGroup.open({ brokers, sessionTimeoutMs, groupProtocol, partitions: 4, folder: folder.path })
      await using stays = group.start('stays', { processingGuarantee })
      for (let round = 0; round < 4; round++) {
        await using comes = group.start(`comes-${round}`, { processingGuarantee })
        await group.writeUntil(comes, ({ commits }) => commits >= 3, 20)
        expect(await comes.close()).toBe(0)
      }
      await stays.ask('caughtUp')
      expect(await stays.close()).toBe(0)
      await expectExact(group, expect)
    },
  )
})

describe.concurrent('restore', () => {
  test.for(['at-least-once', 'exactly-once'] as const)(
    'a process that was killed goes on from its own disk, %s: it reads no more than its last two commits have written',
    { timeout: 300_000 },
    async (guarantee, { expect }) => {
      await using folder = await temporaryFolder()
      await using group = await TracedGroup.open({
        brokers,
        sessionTimeoutMs,
        groupProtocol: 'classic',
        partitions: 2,
        folder: folder.path,
      })
      const options = { processingGuarantee: guarantee, commitIntervalMs: 100 } as const
      await using first = group.start('one', options)
      for (let round = 0; round < 20; round++) {
        await group.write(100)
        await pause(100)
      }
      await first.ask('caughtUp')
      await group.write(100)
      await pause(150)
      first.signal('SIGKILL')
      await first.exit()
      const commits = first.events.flatMap((event) => (event.type === 'commit' ? event.changelogRecords : []))
      const records = commits.reduce((sum, count) => sum + count, 0)
      expect(commits.filter((count) => count > 0).length).toBeGreaterThan(3)
      await using second = group.start('one', options)
      await second.until(({ tasks }) => tasks.size === 4)
      await second.ask('caughtUp')
      expect(await second.close()).toBe(0)
      // Each task has 50 words at most, and what its last commit was may not have been told yet.
      expect(restored(second)).toBeLessThanOrEqual(2 * 50 * 2)
      expect(restored(second)).toBeLessThan(records)
    },
  )
})

function hasLost(events: readonly RuntimeEvent[]): boolean {
  return events.some(({ type }) => type === 'lost' || type === 'recover')
}
