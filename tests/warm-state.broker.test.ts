import { inject, test } from 'vitest'
import type { Member } from './support/member.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedGroup } from './support/traced-group.ts'

const WAIT = { timeout: 60_000 }

const counting = (tasks: ReadonlySet<string>): string[] => [...tasks].filter((task) => task.startsWith('1_')).toSorted()

test('tasks come back to the process that had them, whichever starts first', { timeout: 300_000 }, async ({ expect }) => {
  await using folder = await temporaryFolder()
  await using group = await TracedGroup.open({
    brokers: inject('kafkaBrokers'),
    sessionTimeoutMs: inject('kafkaSessionTimeoutMs'),
    groupProtocol: 'classic',
    partitions: 6,
    folder: folder.path,
  })
  const start = (name: string) => group.start(name, { client: 'packed' })
  await group.write(200)
  await using one = start('one')
  await expect.poll(() => one.tasks.size, WAIT).toBe(12)
  await using two = start('two')
  await expect.poll(() => [counting(one.tasks).length, counting(two.tasks).length], WAIT).toEqual([3, 3])
  await Promise.all([one.ask('caughtUp'), two.ask('caughtUp')])
  const had = [counting(one.tasks), counting(two.tasks)]
  // At once: neither is given what the other had.
  for (const member of [one, two]) member.signal('SIGKILL')
  await Promise.all([one.exit(), two.exit()])

  // Who comes first is given everything, and has to give up half.
  await using twoAgain = start('two')
  await expect.poll(() => twoAgain.tasks.size, WAIT).toBe(12)
  await using oneAgain = start('one')
  await expect.poll(() => [counting(oneAgain.tasks), counting(twoAgain.tasks)], WAIT).toEqual(had)
  await oneAgain.ask('caughtUp')
  expect(await oneAgain.close()).toBe(0)
  expect(await twoAgain.close()).toBe(0)
})

test(
  'each task is followed by as many other processes as asked for, and goes to one of them when its own is killed',
  { timeout: 300_000 },
  async ({ expect }) => {
    await using folder = await temporaryFolder()
    await using group = await TracedGroup.open({
      brokers: inject('kafkaBrokers'),
      sessionTimeoutMs: inject('kafkaSessionTimeoutMs'),
      groupProtocol: 'classic',
      partitions: 3,
      folder: folder.path,
    })
    const start = (name: string) => group.start(name, { client: 'packed', hotStandby: { replicas: 1 } })
    await group.write(200)
    await using one = start('one')
    await using two = start('two')
    await using three = start('three')
    const members = [one, two, three]
    const following = ({ events }: Member): string[] => {
      const phases = new Map(events.flatMap((event) => (event.type === 'standby' ? [[event.task, event.phase] as const] : [])))
      return [...phases].filter(([, phase]) => phase === 'caught-up' || phase === 'progress').map(([task]) => task)
    }
    const all = ['1_0', '1_1', '1_2']
    // All three take part: who came later would have nothing yet of what it is given.
    await expect.poll(() => members.map(({ tasks }) => tasks.size), WAIT).toEqual([2, 2, 2])
    await expect.poll(() => members.flatMap(({ tasks }) => counting(tasks)).toSorted(), WAIT).toEqual(all)
    await expect.poll(() => members.flatMap(following).toSorted(), WAIT).toEqual(all)
    await one.ask('caughtUp')

    const victim = members.find(({ tasks }) => counting(tasks).length > 0) ?? one
    const moving = counting(victim.tasks)
    const heirs = members.filter((member) => member !== victim)
    victim.signal('SIGKILL')
    await victim.exit()
    await expect.poll(() => heirs.flatMap(({ tasks }) => counting(tasks)).toSorted(), WAIT).toEqual(all)
    // Told when a task is begun, which is behind that it is assigned.
    const handedOver = (task: string): boolean => {
      const heir = heirs.find(({ tasks }) => tasks.has(task))
      return heir?.events.some((event) => event.type === 'standby' && event.task === task && event.phase === 'handed-over') === true
    }
    await expect.poll(() => moving.filter((task) => !handedOver(task)), WAIT).toEqual([])
    await Promise.all(heirs.map((heir) => heir.ask('caughtUp')))
    for (const heir of heirs) expect(await heir.close()).toBe(0)
  },
)
