import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, inject, test } from 'vitest'
import { serdes } from 'millrace'
import { kafka } from 'millrace/kafka'
import { ownBroker } from './support/own-broker.ts'
import { expectCounted, expectFollowed, expectSplit, StandbyGroup, type StandbyMember } from './support/standby-group.ts'

const first = (member: StandbyMember) => member.tasks()[0] as string
const counts = { key: serdes.string, value: serdes.safeInt64 }

/** Two members with a task each, which follow each other's. */
async function twoMembers(group: StandbyGroup) {
  const one = await group.start()
  await group.send(600)
  await one.app.caughtUp()
  const two = await group.start()
  await expectSplit([one, 1], [two, 1])
  await group.send(300)
  await expectFollowed(group, first(one), 1)
  await expectFollowed(group, first(two), 0)
  return { one, two }
}

describe('a hot standby, on a broker', () => {
  test('goes on when the broker went away and came back', { timeout: 300_000 }, async () => {
    await using broker = await ownBroker()
    // The membership outlasts it.
    const transport = kafka({ brokers: broker.brokers, consumer: { 'session.timeout.ms': 300_000 } })
    await using group = await StandbyGroup.open({ transport })
    const { one, two } = await twoMembers(group)
    const task = first(one)
    await broker.kill(0)
    await pause(3_000)
    await broker.restart(0)
    await group.send(300)
    await expectFollowed(group, task, 1)
    expect(two.phases().filter((phase) => phase === `${task} started`)).toHaveLength(1)
    const before = two.restored(task)
    await one.close()
    await expectSplit([two, 2])
    expect(two.restored(task)).toBe(before)
    await expectCounted(group, two)
    expect([...one.reasons, ...two.reasons]).toEqual([])
    await two.close()
  })

  test('begins anew with a changelog that was deleted and made anew', { timeout: 300_000 }, async () => {
    const transport = kafka({ brokers: inject('kafkaBrokers') })
    await using group = await StandbyGroup.open({ transport, id: randomUUID().slice(0, 8) })
    const { one, two } = await twoMembers(group)
    const task = first(one)
    const partition = Number(task.at(-1))
    const { changelog, log } = group
    await log.deleteTopics([changelog])
    await log.admin.createTopics([{ topic: changelog, partitions: 2, config: { 'cleanup.policy': 'compact' } }])
    await log.write(
      changelog,
      counts,
      ['a', 'b', 'c'].map((key, value) => ({ key, value, partition })),
    )
    const started = () =>
      two.events.flatMap((event) => (event.type === 'standby' && event.phase === 'started' && event.task === task ? event.position : []))
    await expect.poll(started, group.patience).toEqual([expect.any(Number), 0])
    await expect.poll(() => group.position(task, 1), group.patience).toBe(3)
    await two.close()
    await one.close()
  })
})
