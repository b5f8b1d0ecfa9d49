import { type OffsetCommit, silentLogger, type TopicPartition, viewColumn } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import type { ConsumerClient, ConsumerEvents, Fetched, KafkaClient } from '../../src/client/kafka-client.ts'
import { KafkaSource } from '../../src/source/kafka-source.ts'
import { until } from '../support/cluster.ts'

const P0 = { topic: 't', partition: 0 }
const P1 = { topic: 't', partition: 1 }
const NOTHING: Fetched = { batches: [], ends: [], records: 0 }

/** A client whose fetches end when the test says so. */
class HeldClient {
  readonly calls: string[] = []
  readonly sent: (readonly OffsetCommit[])[] = []
  readonly #fetches: ((fetched: Fetched) => void)[] = []
  #events: ConsumerEvents | undefined

  listen(events: ConsumerEvents): void {
    this.#events = events
  }

  tell(type: 'assign' | 'revoke' | 'lost', partitions: readonly TopicPartition[]): void {
    this.#events?.onRebalance({ type, partitions })
  }

  /** Confirms the last commit. */
  confirm(): void {
    this.#events?.onCommitted(undefined, this.sent.at(-1) ?? [])
  }

  /** Ends the fetch under way, once there is one. */
  async answer(fetched: Fetched): Promise<void> {
    await until('a fetch is under way', () => this.#fetches.length > 0)
    this.#fetches.shift()?.(fetched)
  }

  /** Ends every fetch, until the source says so. */
  async answerWhile(doing: Promise<unknown>): Promise<void> {
    let done = false
    const ended = doing.finally(() => {
      done = true
    })
    await until('it is done', () => {
      this.#fetches.shift()?.(NOTHING)
      return done
    })
    await ended
  }

  get fetching(): boolean {
    return this.#fetches.length > 0
  }

  fetch(): Promise<Fetched> {
    return new Promise((resolve) => this.#fetches.push(resolve))
  }

  subscribe(): void {}
  async unsubscribe(): Promise<void> {
    const held = this.#held()
    if (held.length > 0) this.tell('revoke', held)
  }
  completeAssign(partitions: readonly TopicPartition[]): void {
    this.calls.push(`assigned ${partitions.map(({ partition }) => partition).join()}`)
  }
  completeRevoke(partitions: readonly TopicPartition[]): void {
    this.calls.push(`revoked ${partitions.map(({ partition }) => partition).join()}`)
  }
  pause(): void {}
  resume(): void {}
  commit(offsets: readonly OffsetCommit[]): void {
    this.sent.push(offsets)
  }
  endQuestions(): void {}

  async close(): Promise<void> {}

  #held(): TopicPartition[] {
    const held = new Set<string>()
    for (const call of this.calls) {
      const [what, numbers = ''] = call.split(' ')
      for (const number of numbers.split(',')) {
        if (what === 'assigned') held.add(number)
        else held.delete(number)
      }
    }
    return Array.from(held, (number) => ({ topic: 't', partition: Number(number) }))
  }
}

function fetched(partition: number, ...offsets: readonly number[]): Fetched {
  const rows = viewColumn(offsets.map((offset) => Buffer.from(String(offset))))
  const column = Float64Array.from(offsets)
  const batch = {
    topic: 't',
    partition,
    length: offsets.length,
    keys: rows,
    values: rows,
    timestamps: column,
    offsets: column,
    release() {},
  }
  return { batches: [batch], ends: [], records: offsets.length }
}

async function open(onAssigned?: () => Promise<never>) {
  const client = new HeldClient()
  const kafka = { openConsumer: async () => client as unknown as ConsumerClient } as unknown as KafkaClient
  const source = await KafkaSource.open(kafka, {
    options: { clientId: 'c', groupId: 'g', isolation: 'read-uncommitted' },
    logger: silentLogger,
    requestTimeoutMs: 5_000,
  })
  const hooks: string[] = []
  const note = (hook: string) => async (partitions: readonly TopicPartition[]) => {
    hooks.push(`${hook} ${partitions.map(({ partition }) => partition).join()}`)
  }
  await source.subscribe(['t'], {
    onAssigned: onAssigned ?? (async (partitions) => partitions.map((at) => ({ ...at, offset: 0 }))),
    onRevoked: note('revoked'),
    onLost: note('lost'),
  })
  return { client, source, hooks }
}

async function assigned() {
  const opened = await open()
  const { client } = opened
  client.tell('assign', [P0, P1])
  await client.answer(NOTHING)
  await until('both are assigned', () => client.calls.length === 1)
  return opened
}

describe.each(['revoke', 'lost'] as const)('a %s while a fetch is in flight', (type) => {
  test('is answered to the client after that fetch, whose records of the partition reach nobody', async () => {
    const { client, source, hooks } = await assigned()
    await until('a fetch is under way', () => client.fetching)
    client.tell(type, [P0])
    await until('the hook has run', () => hooks.length === 1)
    expect(client.calls).toEqual(['assigned 0,1'])
    await client.answer({ batches: [...fetched(0, 0, 1).batches, ...fetched(1, 5).batches], ends: [{ ...P0, offset: 2 }], records: 3 })
    await until('it is given up', () => client.calls.length === 2)
    expect(client.calls[1]).toBe('revoked 0')
    const { batches, ends } = await source.poll(5_000)
    expect(batches.map(({ partition, offsets }) => [partition, Array.from(offsets)])).toEqual([[1, [5]]])
    expect(ends).toEqual([])
    expect(source.assignment()).toEqual([P1])
    await client.answerWhile(source.close())
  })

  test('takes back what was fetched and not handed out', async () => {
    const { client, source, hooks } = await assigned()
    await client.answer(fetched(0, 0, 1))
    client.tell(type, [P0])
    await until('the hook has run', () => hooks.length === 1)
    const polled = source.poll(0)
    await client.answerWhile(polled)
    expect((await polled).batches).toEqual([])
    await client.answerWhile(source.close())
    expect(hooks).toEqual([`${type === 'lost' ? 'lost' : 'revoked'} 0`, 'revoked 1'])
  })
})

test('a commit that waits for its turn when its partition is lost is never sent', async () => {
  const { client, source } = await assigned()
  const [first, second] = [1, 2].map((offset) => source.commit([{ ...P0, offset }]))
  client.tell('lost', [P0, P1])
  client.confirm()
  const [confirmed, refused] = await Promise.allSettled([first, second])
  expect(confirmed).toEqual({ status: 'fulfilled', value: undefined })
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'COMMIT_REFUSED', retryable: false, ...P0, offset: 2 } })
  expect(client.sent).toEqual([[{ ...P0, offset: 1 }]])
  await client.answerWhile(source.close())
})

test.each([
  ["lost meanwhile is nobody's concern", 'lost', true],
  ['to be revoked is told', 'revoke', false],
] as const)('why partitions could not be taken up that were %s', async (_what, type, isWell) => {
  let fail: (error: Error) => void = () => {}
  const { client, source, hooks } = await open(
    () =>
      new Promise((_resolve, reject) => {
        fail = reject
      }),
  )
  client.tell('assign', [P0, P1])
  await until('they are being taken up', () => source.assignment().length === 2)
  client.tell(type, [P0, P1])
  fail(new Error('no place'))
  await client.answer(NOTHING)
  await until('the hook has run', () => hooks.length === 1)
  const polled = source.poll(0).then(
    () => true,
    () => false,
  )
  await client.answerWhile(polled)
  expect(await polled).toBe(isWell)
  await client.answerWhile(source.close())
})
