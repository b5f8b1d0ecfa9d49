import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, inject, test } from 'vitest'
import { descents, lostWords, unorderedWords, zombieRecords } from './support/at-least-once.ts'
import type { Member } from './support/member.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedGroup } from './support/traced-group.ts'

const brokers = inject('kafkaBrokers')
const sessionTimeoutMs = inject('kafkaSessionTimeoutMs')
const MINUTE = 60_000

async function allDone(group: TracedGroup, members: Iterable<Member>) {
  const [one] = members
  await one?.ask('caughtUp')
  for (const member of members) expect(await member.close()).toBe(0)
  return group.written()
}

describe('no-zombie', () => {
  test.each(['classic', 'consumer'] as const)(
    'while members join and leave every second for a minute, nobody writes for a partition that has been given to another, in a %s group',
    { timeout: 4 * MINUTE },
    async (groupProtocol) => {
      await using folder = await temporaryFolder()
      await using group = await TracedGroup.open({ brokers, sessionTimeoutMs, groupProtocol, partitions: 4, folder: folder.path })
      const duration = groupProtocol === 'classic' ? MINUTE : MINUTE / 3
      const until = performance.now() + duration
      await using stays = group.start('stays')
      const comers: Member[] = []
      try {
        for (let second = 0; performance.now() < until; second++) {
          await group.write(60)
          // Three at a time, of which one leaves and one joins every second.
          comers.push(group.start(`comer-${second}`))
          const leaving = comers.length > 3 ? comers.shift() : undefined
          const closing = leaving === undefined ? undefined : leave(leaving)
          await pause(1_000)
          await closing
        }
        const { output, repartition, changelog } = await allDone(group, [stays, ...comers])
        expect(zombieRecords(repartition)).toEqual([])
        expect(zombieRecords(output)).toEqual([])
        expect(descents(changelog)).toEqual([])
        expect(unorderedWords(output)).toEqual([])
        expect(lostWords(output, group.trueCounts())).toEqual([])
      } finally {
        for (const member of comers) await member[Symbol.asyncDispose]()
      }
    },
  )
})

async function leave(member: Member) {
  await member.until(({ events }) => events.some(({ type }) => type === 'state'))
  expect(await member.close()).toBe(0)
}
