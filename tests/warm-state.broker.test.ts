import { inject, test } from 'vitest'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedGroup } from './support/traced-group.ts'

const WAIT = { timeout: 60_000 }

test('tasks come back to the process that had them, whichever starts first', { timeout: 300_000 }, async ({ expect }) => {
  await using folder = await temporaryFolder()
  await using group = await TracedGroup.open({
    brokers: inject('kafkaBrokers'),
    sessionTimeoutMs: inject('kafkaSessionTimeoutMs'),
    groupProtocol: 'classic',
    partitions: 6,
    folder: folder.path,
  })
  const counting = (tasks: ReadonlySet<string>): string[] => [...tasks].filter((task) => task.startsWith('1_')).toSorted()
  const start = (name: string) => group.start(name, { client: 'packed' })
  await group.write(200)
  await using one = start('one')
  await expect.poll(() => one.tasks.size, WAIT).toBe(12)
  await using two = start('two')
  await expect.poll(() => [counting(one.tasks).length, counting(two.tasks).length], WAIT).toEqual([3, 3])
  await Promise.all([one.ask('caughtUp'), two.ask('caughtUp')])
  const had = [counting(one.tasks), counting(two.tasks)]
  expect(await two.close()).toBe(0)
  expect(await one.close()).toBe(0)

  // Who comes first is given everything, and has to give up half.
  await using twoAgain = start('two')
  await expect.poll(() => twoAgain.tasks.size, WAIT).toBe(12)
  await using oneAgain = start('one')
  await expect.poll(() => [counting(oneAgain.tasks), counting(twoAgain.tasks)], WAIT).toEqual(had)
  await oneAgain.ask('caughtUp')
  expect(await oneAgain.close()).toBe(0)
  expect(await twoAgain.close()).toBe(0)
})
