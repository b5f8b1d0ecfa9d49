import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MillraceError, silentLogger } from '@millrace/core'
import type { MemoryOperation } from 'millrace/memory'
import { deferred } from './support/deferred.ts'
import { expectCounted, expectFollowed, expectSplit, otherTask, StandbyGroup, type StandbyMember } from './support/standby-group.ts'

const isStandbyPoll = (operation: MemoryOperation) => operation.type === 'poll' && operation.clientId.endsWith('-standby')
const first = (member: StandbyMember) => member.tasks()[0] as string

/** Two members with a task each; the second, in slot 1, follows the first's. */
async function twoMembers(group: StandbyGroup) {
  const one = await group.start()
  await group.send(600)
  await one.app.caughtUp()
  const two = await group.start()
  await expectSplit([one, 1], [two, 1])
  await group.send(300)
  return { one, two, task: first(one) }
}

describe.each(['leveldb', 'memory'] as const)('with stores of %s', (backend) => {
  describe.each(['at-least-once', 'exactly-once'] as const)('%s', (guarantee) => {
    test('a task that was followed to the end is taken over without reading anything back', async () => {
      await using group = await StandbyGroup.open({ backend, guarantee })
      const { one, two, task } = await twoMembers(group)
      await expectFollowed(group, task, 1)
      await expect.poll(() => two.phases()).toEqual([`${task} started`, `${task} caught-up`])
      await one.close()
      await expectSplit([two, 2])
      expect(two.restored(task)).toBe(0)
      expect(two.phases().at(-1)).toBe(`${task} handed-over`)
      await group.send(300)
      await expectCounted(group, two)
      await two.close()
      expect([...one.reasons, ...two.reasons]).toEqual([])
    })

    test('of a task that is taken over what came in the last moments is read back, and nothing else', async () => {
      const gate = deferred()
      let closed = false
      let waiting = 0
      const before = async (operation: MemoryOperation) => {
        if (!closed || !isStandbyPoll(operation)) return
        waiting++
        await gate.promise
      }
      await using group = await StandbyGroup.open({ backend, guarantee, faults: { before } })
      const { one, two, task } = await twoMembers(group)
      await expectFollowed(group, task, 1)
      closed = true
      await expect.poll(() => waiting).toBe(2)
      const followed = await group.changelogRecords(task)
      await group.send(100)
      await two.app.caughtUp()
      const missing = (await group.changelogRecords(task)) - followed
      await one.close()
      await expectSplit([two, 2])
      expect(missing).toBeGreaterThan(0)
      expect(two.restored(task)).toBe(missing)
      gate.resolve()
      await group.send(100)
      await expectCounted(group, two)
    })

    test('a task that comes back and goes again is followed in between', async () => {
      await using group = await StandbyGroup.open({ backend, guarantee })
      const { one, two, task } = await twoMembers(group)
      await expectFollowed(group, task, 1)
      await one.close()
      await expectSplit([two, 2])
      await group.send(100)
      const again = await group.start()
      await expectSplit([two, 1], [again, 1])
      const moved = first(again)
      await group.send(100)
      await expectFollowed(group, moved, 1)
      const before = two.restored(moved)
      await again.close()
      await expectSplit([two, 2])
      expect(two.restored(moved)).toBe(before)
      await group.send(100)
      await expectCounted(group, two)
      expect([...again.reasons, ...two.reasons]).toEqual([])
    })
  })
})

describe('a member', () => {
  test('that has no task of its own follows all of them', async () => {
    await using group = await StandbyGroup.open()
    const { one, two } = await twoMembers(group)
    const spare = await group.start()
    await expect
      .poll(() =>
        spare
          .phases()
          .filter((phase) => phase.endsWith('caught-up'))
          .toSorted(),
      )
      .toEqual(['0_0 caught-up', '0_1 caught-up'])
    await group.send(300)
    await Promise.all(['0_0', '0_1'].map((task) => expectFollowed(group, task, 2)))
    await Promise.all([one.close(), two.close()])
    await expectSplit([spare, 2])
    expect(spare.restored('0_0') + spare.restored('0_1')).toBe(0)
    await expectCounted(group, spare)
  })

  test('that begins anew makes its tasks again while it follows others, which is not interrupted', async () => {
    let failing = false
    const before = (operation: MemoryOperation) => {
      if (!failing || operation.type !== 'commit') return
      failing = false
      throw new MillraceError('KAFKA_ERROR', 'no broker answers', { stage: 'commit', retryable: true })
    }
    await using group = await StandbyGroup.open({ faults: { before } })
    const { one, two } = await twoMembers(group)
    for (const member of [one, two]) await expect.poll(() => member.phases().at(-1)).toBe(`${otherTask(first(member))} caught-up`)
    failing = true
    await group.send(300)
    await expect.poll(() => [...one.events, ...two.events].filter(({ type }) => type === 'recover')).toHaveLength(1)
    await expectFollowed(group, first(one), 1)
    await expectFollowed(group, first(two), 0)
    for (const { phases, reasons } of [one, two]) {
      expect(phases().filter((phase) => phase.endsWith('started'))).toHaveLength(1)
      expect(reasons).toEqual([])
    }
    await one.close()
    await expectSplit([two, 2])
    await two.app.caughtUp()
  })

  test('ends in time while its disk takes nothing of what it follows', async () => {
    const gate = deferred()
    let full = ''
    let held = 0
    const beforeWrite = async (folder: string) => {
      if (full === '' || !folder.includes(full)) return
      held++
      await gate.promise
    }
    await using group = await StandbyGroup.open({ beforeWrite })
    const one = await group.start()
    const two = await group.start({ revokeTimeoutMs: 100 })
    await expectSplit([one, 1], [two, 1])
    await expect.poll(() => two.phases()).toContain(`${first(one)} caught-up`)
    full = `/1/${first(one)}/`
    await group.send(300)
    await expect.poll(() => held).toBe(1)
    // The limit is for the last commit too: nothing is left for it.
    await two.app.caughtUp()
    await two.close()
    gate.resolve()
    await expectSplit([one, 2])
    await expectCounted(group, one)
  })

  test('keeps local state of tasks that have been elsewhere for long', async () => {
    await using group = await StandbyGroup.open()
    const one = await group.start({ state: { cleanupDelayMs: 10 } })
    await group.send(300)
    await one.app.caughtUp()
    const two = await group.start()
    await expectSplit([one, 1], [two, 1])
    await expect.poll(() => one.phases()).toContain(`${first(two)} caught-up`)
    await new Promise((resolve) => {
      setTimeout(resolve, 100)
    })
    const folder = join(group.stateDir, group.applicationId, '0')
    for (const task of ['0_0', '0_1']) expect(await readdir(join(folder, task))).toEqual(['counts'])
  })

  test('that does not ask for it follows nothing', async () => {
    await using group = await StandbyGroup.open()
    const one = await group.start({ hotStandby: false })
    await group.send(300)
    const two = await group.start({ hotStandby: false })
    await expectSplit([one, 1], [two, 1])
    await one.app.caughtUp()
    const task = first(one)
    await one.close()
    await expectSplit([two, 2])
    expect([...one.phases(), ...two.phases()]).toEqual([])
    expect(two.restored(task)).toBe(await group.changelogRecords(task))
  })
})

test('what was followed into a folder that is damaged is set aside, and followed anew', async () => {
  await using group = await StandbyGroup.open()
  const { one, two, task } = await twoMembers(group)
  await expectFollowed(group, task, 1)
  await two.close()
  await expectSplit([one, 2])
  for (const name of ['0_0', '0_1']) {
    const file = join(group.stateDir, group.applicationId, '1', name, 'counts', 'CURRENT')
    await writeFile(file, new Uint8Array((await readFile(file)).length).fill(0x5a))
  }
  const again = await group.start()
  await expectSplit([one, 1], [again, 1])
  const followed = first(one)
  await group.send(100)
  await expectFollowed(group, followed, 1)
  expect(again.reasons).toEqual([expect.stringContaining('damaged'), expect.stringContaining('damaged')])
  await one.close()
  await expectSplit([again, 2])
  expect(again.restored(followed)).toBe(0)
  await expectCounted(group, again)
})

test('where the transport says of nobody what he is to follow, all is followed however many are wanted, and the log says so', async () => {
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (_fields: object, message: string) => warnings.push(message) }
  await using group = await StandbyGroup.open()
  const one = await group.start()
  await group.send(100)
  await one.app.caughtUp()
  const two = await group.start({ hotStandby: { replicas: 1 }, logger })
  await expectSplit([one, 1], [two, 1])
  await expect.poll(() => two.phases()).toContain(`${first(one)} caught-up`)
  expect(warnings).toEqual(['the transport says of no process which tasks it is to follow: hotStandby follows all'])
})
