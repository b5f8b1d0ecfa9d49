import { rm } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, type ExpectStatic, inject, test } from 'vitest'
import { descents, lostWords, strayState, unorderedWords } from './support/at-least-once.ts'
import type { Member } from './support/member.ts'
import { steps } from './support/steps.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedGroup } from './support/traced-group.ts'

const brokers = inject('kafkaBrokers')
const sessionTimeoutMs = inject('kafkaSessionTimeoutMs')

/** Everything counted at least once, in order; state and changelog agree with what was put out. */
async function expectNothingLost(group: TracedGroup, expect: ExpectStatic) {
  const { output, changelog } = await group.written()
  expect(lostWords(output, group.trueCounts())).toEqual([])
  expect(unorderedWords(output)).toEqual([])
  expect(strayState(changelog, output)).toEqual([])
  expect(descents(changelog)).toEqual([])
}

describe.concurrent('no-loss', () => {
  test.for(steps.flatMap((step) => [{ step, state: 'kept' } as const, { step, state: 'deleted' } as const]))(
    'a process that is killed at the step $step loses nothing, with its state $state',
    { timeout: 120_000 },
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
})

describe('no-loss', () => {
  test.for(['classic', 'consumer'] as const)(
    'processes that are killed at any moment lose nothing while input is written, with their state kept or deleted, in a %s group',
    { timeout: 240_000 },
    async (groupProtocol, { expect }) => {
      await using folder = await temporaryFolder()
      await using group = await TracedGroup.open({ brokers, sessionTimeoutMs, groupProtocol, partitions: 4, folder: folder.path })
      const names = ['one', 'two', 'three']
      const members = new Map<string, Member>()
      let going = true
      const writing = (async () => {
        while (going) {
          await group.write(100)
          await pause(50)
        }
      })()
      try {
        for (const name of names) members.set(name, group.start(name))
        for (let kill = 0; kill < 9; kill++) {
          const name = names[kill % names.length] as string
          const member = members.get(name) as Member
          // Some commits after it has got tasks; a message is on its way for some time, so that the moment is anyone's guess.
          const enough = member.commits + 1 + (kill % 4)
          await member.until(({ commits }) => commits >= enough)
          member.signal('SIGKILL')
          await member.exit()
          if (kill % 2 === 1) await rm(group.stateDir(name), { recursive: true })
          members.set(name, group.start(name))
        }
        going = false
        await writing
        await (members.get('one') as Member).until(({ commits }) => commits > 0)
        await (members.get('one') as Member).ask('caughtUp')
        for (const member of members.values()) expect(await member.close()).toBe(0)
        await expectNothingLost(group, expect)
      } finally {
        going = false
        await writing
        for (const member of members.values()) await member[Symbol.asyncDispose]()
      }
    },
  )
})
