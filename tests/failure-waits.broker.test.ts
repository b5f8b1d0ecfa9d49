import { randomBytes } from 'node:crypto'
import { describe, inject, test } from 'vitest'
import { type FailedRecord, serdes } from 'millrace'
import { kafka } from 'millrace/kafka'
import { containing } from './support/containing.ts'
import { type FailingApp, FailingGroup } from './support/failing-group.ts'
import { ACKNOWLEDGEMENTS, HOWS, runFailing } from './support/failing-run.ts'

const brokers = inject('kafkaBrokers')
const sessionTimeoutMs = inject('kafkaSessionTimeoutMs')
const LONG_MS = 600_000
/** Of each test: five of them share a process. */
const LIMIT = { timeout: 140_000 }
/** Who waits until passes are abandoned takes longer than that. */
const REVOKE_MS = 150_000
/** Within it an application has begun anew often enough to stop. */
const GIVES_UP_MS = 180_000
const longWait = { retry: { initialDelayMs: LONG_MS, maxDelayMs: LONG_MS } }
const valuesOf = (partition: number, count: number) => Array.from({ length: count }, (_, i) => 1_000 * partition + i)
const texts = (values: readonly number[]) => values.map(String)
const int32 = (value: number) => serdes.int32.serialize(value)

async function closed(member: FailingApp): Promise<void> {
  await member.app.close()
  await member.running
}

describe.concurrent('a dead-letter topic that is not to be had', LIMIT, () => {
  const [bad, count] = [25, 40]
  const work = { how: 'index', fails: (value: number) => value === bad } as const
  const options = { batch: { size: 10, timeoutMs: LONG_MS } }
  const good = valuesOf(0, count).filter((value) => value !== bad)

  /** What has been written more than once counts once. */
  async function distinctOutput(group: FailingGroup): Promise<number[]> {
    const [written = []] = await group.output()
    return [...new Set(written.map((text) => Number.parseInt(text, 10)))]
  }

  test(
    'since it was deleted: the application stops, names it, and has committed nothing from the record on',
    { timeout: GIVES_UP_MS },
    async ({ expect }) => {
      await using group = await FailingGroup.open({ brokers, partitions: 1, sessionTimeoutMs })
      const { dead } = group.topics
      const member = await group.start(work, options)
      await group.write(0, 20)
      await member.app.caughtUp()
      await group.log.deleteTopics([dead])
      await group.write(0, 20)
      expect(await member.failure()).toMatchObject({ stage: 'sink', topic: dead, message: containing(dead) })
      expect(await group.committed()).toEqual([20])
      await group.log.createTopics({ [dead]: 1 })
      const again = await group.start(work, options)
      await again.app.caughtUp()
      await closed(again)
      expect(await distinctOutput(group)).toEqual(good)
      expect(await group.committed()).toEqual([40])
      expect(await group.deadValues()).toEqual([bad])
    },
  )

  test('since it was deleted, and is made again: the application goes on, and nothing is lost', async ({ expect }) => {
    await using group = await FailingGroup.open({ brokers, partitions: 1, sessionTimeoutMs })
    const { dead } = group.topics
    const member = await group.start(work, options)
    await group.write(0, 20)
    await member.app.caughtUp()
    await group.log.deleteTopics([dead])
    await group.write(0, 20)
    await member.until(() => member.of('recover').length > 0)
    expect(await group.committed()).toEqual([20])
    await group.log.createTopics({ [dead]: 1 })
    await member.app.caughtUp()
    await closed(member)
    expect(await distinctOutput(group)).toEqual(good)
    expect(await group.counted()).toEqual(new Map(good.map((value) => [value, 1])))
    expect(await group.committed()).toEqual([40])
    expect(new Set(await group.deadValues())).toEqual(new Set([bad]))
  })

  /** One record that can't be decoded, and is larger than the dead-letter topic allows. */
  async function withLargeRecord() {
    const group = await FailingGroup.open({ brokers, partitions: 1, sessionTimeoutMs })
    const { dead } = group.topics
    await group.log.deleteTopics([dead])
    await group.log.admin.createTopics([{ topic: dead, partitions: 1, config: { 'max.message.bytes': '2000', 'retention.ms': '-1' } }])
    await group.write(0, 10)
    // What compresses well is small for the broker.
    const value = randomBytes(4_000)
    await group.writeRaw([{ key: int32(1), value, timestamp: 1, headers: [], partition: 0 }])
    await group.write(0, 10)
    const makeRoom = async () => {
      await group.log.deleteTopics([dead])
      await group.log.createTopics({ [dead]: 1 })
    }
    return { group, dead, value, makeRoom }
  }

  test(
    'since it refuses a record: the application stops, names it, and has committed nothing from the record on',
    { timeout: GIVES_UP_MS },
    async ({ expect }) => {
      const { group, dead, value, makeRoom } = await withLargeRecord()
      await using _group = group
      const healthy = { how: 'index', fails: () => false } as const
      const member = await group.start(healthy)
      expect(await member.failure()).toMatchObject({ stage: 'sink', topic: dead, message: containing(dead) })
      expect(await group.deadLetters()).toEqual([])
      expect((await group.committed())[0] ?? 0).toBeLessThanOrEqual(10)
      await makeRoom()
      const again = await group.start(healthy)
      await again.app.caughtUp()
      await closed(again)
      expect(await distinctOutput(group)).toEqual(valuesOf(0, 20))
      expect(await group.committed()).toEqual([21])
      expect((await group.deadLetters()).map((record) => Buffer.compare(record.value ?? Buffer.alloc(0), value))).toEqual([0])
    },
  )

  test('since it refused a record, and takes it later: the application goes on, and nothing is lost', async ({ expect }) => {
    const { group, value, makeRoom } = await withLargeRecord()
    await using _group = group
    const member = await group.start({ how: 'index', fails: () => false })
    await member.until(() => member.of('recover').length > 0)
    expect((await group.committed())[0] ?? 0).toBeLessThanOrEqual(10)
    await makeRoom()
    await member.app.caughtUp()
    await closed(member)
    expect(await distinctOutput(group)).toEqual(valuesOf(0, 20))
    expect(await group.committed()).toEqual([21])
    const dead = await group.deadLetters()
    expect(dead.length).toBeGreaterThan(0)
    for (const record of dead) expect(Buffer.compare(record.value ?? Buffer.alloc(0), value)).toBe(0)
  })
})

describe.concurrent('a partition that waits for a retry', LIMIT, () => {
  test('commits what it had finished, and holds up neither others nor the shutdown', async ({ expect }) => {
    await using group = await FailingGroup.open({ brokers, partitions: 3 })
    let broken = true
    const work = { how: 'index', fails: (value: number) => broken && value === 1_015 } as const
    const member = await group.start(work, { failure: longWait })
    for (const partition of [0, 1, 2]) await group.write(partition, 10)
    await member.app.caughtUp()
    await group.write(1, 10)
    await member.until(() => member.of('retry').length === 1)
    expect(member.app.health().tasks.find(({ task }) => task === '0_1')).toMatchObject({ waitsFor: 'retry' })
    for (const partition of [0, 2]) await group.write(partition, 100)
    await member.until(async () => {
      const [first, , third] = await group.committed()
      return first === 110 && third === 110
    })
    const [, waits] = await group.committed()
    expect(waits).toBeGreaterThanOrEqual(10)
    expect(waits).toBeLessThanOrEqual(15)
    await closed(member)
    broken = false
    const again = await group.start(work)
    await again.app.caughtUp()
    await closed(again)
    expect(await group.output()).toEqual([texts(valuesOf(0, 110)), texts(valuesOf(1, 20)), texts(valuesOf(2, 110))])
    expect(await group.committed()).toEqual([110, 20, 110])
    expect(await group.deadLetters()).toEqual([])
  })

  test.for(ACKNOWLEDGEMENTS.flatMap((acknowledgement) => HOWS.map((how) => ({ acknowledgement, how }))))(
    'commits the batches before, whatever of its own is done already: $acknowledgement, $how',
    async ({ acknowledgement, how }, { expect }) => {
      await using group = await FailingGroup.open({ brokers, partitions: 1 })
      const work = { how, fails: (value: number) => value === 12 || value === 15 } as const
      // So long that no commit comes between the first batch and the second.
      const options = { batch: { size: 10, timeoutMs: LONG_MS }, commit: { intervalMs: 500 } }
      await group.write(0, 20)
      const member = await group.start(work, { ...options, failure: { ...longWait, acknowledgement } })
      await member.until(() => member.of('retry').length > 0)
      const committed = acknowledgement === 'last-successful' && how !== 'throw' ? 12 : 10
      await member.until(async () => (await group.committed())[0] === committed)
      await closed(member)
      expect(await group.committed()).toEqual([committed])
      expect(await group.output()).toEqual([texts(valuesOf(0, committed))])
      expect(await group.counted()).toEqual(new Map(valuesOf(0, committed).map((value) => [value, 1])))
    },
  )

  test.for(['classic', 'consumer'] as const)(
    'for longer than max.poll.interval.ms stays a member of its group, and goes on after it: %s',
    async (groupProtocol, { expect }) => {
      // Long enough for others to hold up this process for a while, too.
      const maxPollMs = 10_000
      await using group = await FailingGroup.open({
        brokers,
        partitions: 2,
        groupProtocol,
        sessionTimeoutMs: maxPollMs,
        consumer: { 'max.poll.interval.ms': maxPollMs },
      })
      let failures = 0
      const work = { how: 'index', fails: (value: number) => value === 5 && failures++ === 0 } as const
      const delayMs = 2 * maxPollMs
      const member = await group.start(work, { failure: { retry: { initialDelayMs: delayMs } }, revokeTimeoutMs: 1_000 })
      for (const partition of [0, 1]) await group.write(partition, 20)
      await member.app.caughtUp()
      expect(member.of('retry')).toMatchObject([{ delayMs }])
      expect([...member.of('lost'), ...member.of('revoked'), ...member.of('recover')]).toEqual([])
      expect(member.of('assigned')).toHaveLength(1)
      await closed(member)
      expect(await group.output()).toEqual([0, 1].map((partition) => texts(valuesOf(partition, 20))))
      expect(await group.committed()).toEqual([20, 20])
    },
  )
})

describe.concurrent('a circuit breaker on Kafka', LIMIT, () => {
  const circuitBreaker = { window: 4, minimum: 2, threshold: 0.5 }

  test('opens for the bad partition alone, tries one batch at a time, and closes when that goes well', async ({ expect }) => {
    await using group = await FailingGroup.open({ brokers, partitions: 2 })
    let broken = true
    // What happened, in order, to the bad partition.
    const happened: string[] = []
    const member = await group.start(
      {
        how: 'throw',
        fails: (value) => broken && value < 1_000,
        during: ({ partition }, _, at) => void (partition === 0 && at === 'begin' && happened.push('batch')),
      },
      {
        batch: { size: 10, timeoutMs: 5, maxRetries: 1_000 },
        failure: { circuitBreaker: { ...circuitBreaker, openMs: 100 } },
        observer: (event) => void (event.type === 'circuit' && happened.push(event.to)),
      },
    )
    for (const partition of [0, 1]) await group.write(partition, 10)
    const changes = () => member.of('circuit').map(({ from, to }) => `${from} > ${to}`)
    await member.until(() => changes().filter((change) => change === 'half-open > open').length >= 3)
    await member.until(() => member.app.health().tasks.some(({ circuits }) => circuits['work'] === 'open'))
    expect(member.app.health()).toMatchObject({ healthy: false, state: 'running' })
    expect(member.app.health().tasks.find(({ task }) => task === '0_1')).toMatchObject({ circuits: {} })
    await group.write(1, 100)
    await member.until(async () => (await group.committed())[1] === 110)
    expect((await group.committed())[0] ?? 0).toBe(0)
    broken = false
    await member.app.caughtUp()
    expect(member.app.health()).toMatchObject({ healthy: true })
    expect(changes().slice(0, 3)).toEqual(['closed > open', 'open > half-open', 'half-open > open'])
    expect(changes().at(-1)).toBe('half-open > closed')
    expect(new Set(member.of('circuit').map(({ task, node }) => `${task} ${node}`))).toEqual(new Set(['0_0 work']))
    // Nothing while it is open, one batch while it is half-open.
    const told = happened.join(' ')
    expect(told).toMatch(/^batch batch open( half-open batch open)+ half-open batch closed/)
    await closed(member)
    expect(await group.output()).toEqual([texts(valuesOf(0, 10)), texts(valuesOf(1, 110))])
    expect(await group.deadLetters()).toEqual([])
  })

  test('that is open does not hold up the shutdown, nor a rebalance', async ({ expect }) => {
    await using group = await FailingGroup.open({ brokers, partitions: 2 })
    const bad = { how: 'throw', fails: () => true } as const
    const failure = { circuitBreaker: { ...circuitBreaker, openMs: LONG_MS } }
    const overrides = { batch: { maxRetries: 1_000 }, failure, revokeTimeoutMs: REVOKE_MS }
    const first = await group.start(bad, overrides)
    for (const partition of [0, 1]) await group.write(partition, 10)
    await first.until(({ app }) => app.health().tasks.filter(({ circuits }) => circuits['work'] === 'open').length === 2)
    const second = await group.start(bad, overrides)
    await second.until(({ app }) => app.health().tasks.filter(({ circuits }) => circuits['work'] === 'open').length === 1)
    await closed(first)
    await second.until(({ app }) => app.health().tasks.filter(({ circuits }) => circuits['work'] === 'open').length === 2)
    await closed(second)
    expect((await group.committed()).map((offset) => offset ?? 0)).toEqual([0, 0])
    const third = await group.start({ how: 'throw', fails: () => false })
    await third.app.caughtUp()
    await closed(third)
    expect(await group.output()).toEqual([texts(valuesOf(0, 10)), texts(valuesOf(1, 10))])
    expect(await group.deadLetters()).toEqual([])
  })
})

describe.concurrent('a record that fails on Kafka', LIMIT, () => {
  const six = { transport: kafka({ brokers }), count: 6 }
  const always = (...values: number[]) => new Map(values.map((value) => [value, Infinity]))

  test.for(HOWS)('is given up at once where its error is nonRetryable, and after its retries elsewhere: %s', async (how, { expect }) => {
    const failing = { how, times: always(2) }
    const retried = await runFailing({ ...six, failing, failure: {} })
    const atOnce = await runFailing({ ...six, failing, failure: { retry: { nonRetryable: [Error] } } })
    for (const ran of [retried, atOnce]) {
      expect(ran).toMatchObject({ error: undefined, out: [0, 1, 3, 4, 5], dead: [2], committed: 6 })
      expect(ran.counted).toEqual(new Map([0, 1, 3, 4, 5].map((value) => [value, 1])))
    }
    const attempts = [retried, atOnce].map(({ deadHeaders: [headers] }) => headers?.get('millrace.attempts'))
    expect(attempts).toEqual(['3', '1'])
  })

  test('goes where its handler says', async ({ expect }) => {
    const ran = await runFailing({
      ...six,
      failing: { how: 'outcome', times: always(1, 2, 4) },
      failure: { process: ({ offset }) => Promise.resolve(offset === 2 ? 'skip' : 'dead-letter') },
    })
    expect(ran).toMatchObject({ error: undefined, out: [0, 3, 5], dead: [1, 4], committed: 6 })
  })

  test.for([true, false])('is handed to the hook, and to the topic if there is one: %s', async (hasTopic, { expect }) => {
    const handled: [number, string][] = []
    const handleDeadLetter = ({ offset, error }: FailedRecord, same: unknown) =>
      void handled.push([offset, error === same ? String(error) : 'another'])
    const failure = hasTopic ? { handleDeadLetter } : { handleDeadLetter, deadLetter: {} }
    const ran = await runFailing({ ...six, failing: { how: 'index', times: always(2) }, failure })
    expect(ran).toMatchObject({ error: undefined, out: [0, 1, 3, 4, 5], dead: hasTopic ? [2] : [], committed: 6 })
    expect(handled).toEqual([[2, 'Error: 2 is bad']])
  })

  test('stays uncommitted where its hook throws, or its handler, and the application says why', async ({ expect }) => {
    const refuse = () => Promise.reject(new Error('no room'))
    const failing = { how: 'index', times: always(2) } as const
    for (const failure of [{ handleDeadLetter: refuse }, { process: refuse }]) {
      const ran = await runFailing({ ...six, failing, failure })
      expect(ran).toMatchObject({ error: { message: 'no room' }, out: [], dead: [] })
      expect(ran.committed ?? 0).toBe(0)
    }
  })
})
