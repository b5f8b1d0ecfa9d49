import { setTimeout as pause } from 'node:timers/promises'
import type { RuntimeEvent } from 'millrace'
import { describe, type ExpectStatic, inject, test } from 'vitest'
import { descents, lostWords, ofLastEpochs, unorderedWords, zombieRecords, zombieRecordsOfTheirOwn } from './support/at-least-once.ts'
import type { Member } from './support/member.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedGroup } from './support/traced-group.ts'

const brokers = inject('kafkaBrokers')
const sessionTimeoutMs = inject('kafkaSessionTimeoutMs')
const MINUTE = 60_000
/** How often, at least, members that leave again were given tasks. */
const MOVES = 10

/**
 * Not right before a changelog is written, where the group has just said that it may be, and not while the client sends it: to stop there is beyond
 * what can be told without transactions.
 */
const stopSteps = ['before-write', 'before-flush', 'before-commit', 'during-commit', 'before-persist'] as const
const stops = [
  ...stopSteps.map((step) => ({ step, groupProtocol: 'classic' as const })),
  // With state on its way to the changelog, and with state that is there and offsets that are not.
  ...(['before-flush', 'before-commit'] as const).map((step) => ({ step, groupProtocol: 'consumer' as const })),
]

const isAssigned = ({ type }: RuntimeEvent) => type === 'assigned'

async function allDone(group: TracedGroup, members: Iterable<Member>, expect: ExpectStatic) {
  const [one] = members
  await one?.ask('caughtUp')
  for (const member of members) expect(await member.close()).toBe(0)
  return group.written()
}

describe.concurrent('no-zombie', () => {
  test.for(['classic', 'consumer'] as const)(
    'while members join and leave every second for a minute, nobody writes for a partition that has been given to another, in a %s group',
    { timeout: 4 * MINUTE },
    async (groupProtocol, { expect }) => {
      await using folder = await temporaryFolder()
      // Everybody leaves in order: nobody needs a short session.
      const longer = 5 * sessionTimeoutMs
      await using group = await TracedGroup.open({ brokers, sessionTimeoutMs: longer, groupProtocol, partitions: 4, folder: folder.path })
      const until = performance.now() + MINUTE
      await using stays = group.start('stays')
      const comers: Member[] = []
      const everybody = [stays]
      let moves = 0
      try {
        // A busy machine may need longer than a minute until enough has happened: nobody leaves then who was given nothing yet.
        for (let second = 0; performance.now() < until || moves < MOVES; second++) {
          await group.write(60)
          // Three at a time, of which one leaves and one joins every second.
          const comer = group.start(`comer-${second}`)
          comers.push(comer)
          everybody.push(comer)
          const leaving = comers.length > 3 ? comers.shift() : undefined
          if (performance.now() >= until) await leaving?.until(({ events }) => events.some(isAssigned))
          await Promise.all([pause(1_000), leaving === undefined ? undefined : leave(leaving, expect)])
          moves += leaving?.events.filter(isAssigned).length ?? 0
        }
        const { output, repartition, changelog } = await allDone(group, [stays, ...comers], expect)
        // Whoever was put out by a machine that had no time for it goes on until it hears so.
        const isLate = everybody.some(({ wasPutOut }) => wasPutOut)
        const zombies = isLate ? zombieRecordsOfTheirOwn : zombieRecords
        const counted = isLate ? ofLastEpochs(output) : output
        expect(zombies(repartition)).toEqual([])
        expect(zombies(output)).toEqual([])
        expect(descents(changelog)).toEqual([])
        expect(unorderedWords(counted)).toEqual([])
        expect(lostWords(counted, group.trueCounts())).toEqual([])
      } finally {
        for (const member of comers) await member[Symbol.asyncDispose]()
      }
    },
  )

  test.for(stops)(
    'a process that is stopped at the step $step for longer than its session, and goes on, sets no state back, in a $groupProtocol group',
    { timeout: 5 * MINUTE },
    async ({ step, groupProtocol }, { expect, onTestFailed }) => {
      await using folder = await temporaryFolder()
      await using group = await TracedGroup.open({
        brokers,
        sessionTimeoutMs,
        groupProtocol,
        partitions: 4,
        folder: folder.path,
      })
      await using stopping = group.start('stopping', {
        signalAt: { step, afterCommits: 6, signal: 'SIGSTOP' },
        // Shorter than the session, which is shorter here than anybody's.
        deliveryTimeoutMs: sessionTimeoutMs * 0.75,
        // What is not flushed waits in the client: stopped while it sends, it would go on with that, which nothing but a transaction prevents.
        lingerMs: 1_000,
      })
      const members = [stopping]
      onTestFailed(() => {
        for (const { events } of members) process.stderr.write(`${JSON.stringify(events.slice(-20))}\n`)
      })
      let going = true
      const writing = (async () => {
        while (going) {
          await group.write(40)
          await pause(50)
        }
      })()
      try {
        await group.signalled(stopping, 'stopping')
        // Who joins now gets everything, once the session of the one that stands still is over.
        await using other = group.start('other')
        members.push(other)
        await other.until(({ tasks }) => tasks.size === 8)
        const { commits } = other
        await other.until((member) => member.commits > commits + 5)
        stopping.signal('SIGCONT')
        // The commit in which it was stopped may end yet: it is one of the tasks that it gets anew that counts.
        await stopping.until(({ events }) => commitsAnew(events))
        going = false
        await writing
        const { output, repartition, changelog } = await allDone(group, [other, stopping], expect)
        // What it goes on with before it hears that it is out is what the new owner makes, too.
        expect(zombieRecordsOfTheirOwn(repartition)).toEqual([])
        expect(zombieRecordsOfTheirOwn(output)).toEqual([])
        expect(descents(changelog)).toEqual([])
        // It may come between or last, and some of it not at all: then that is a repeat, like any.
        const counted = ofLastEpochs(output)
        expect(unorderedWords(counted)).toEqual([])
        expect(lostWords(counted, group.trueCounts())).toEqual([])
      } finally {
        going = false
        await writing
      }
    },
  )
})

async function leave(member: Member, expect: ExpectStatic) {
  await member.until(({ events }) => events.some(({ type }) => type === 'state'))
  expect(await member.close()).toBe(0)
}

/** Whether it has lost tasks, then got some, then committed. */
function commitsAnew(events: readonly RuntimeEvent[]): boolean {
  const lost = events.findIndex(({ type }) => type === 'lost' || type === 'recover')
  const assigned = lost === -1 ? -1 : events.findIndex(({ type }, i) => i > lost && type === 'assigned')
  return assigned !== -1 && events.some(({ type }, i) => i > assigned && type === 'commit')
}
