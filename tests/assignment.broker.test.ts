import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { describe, inject, test } from 'vitest'
import { serdes } from 'millrace'
import { kafka } from 'millrace/kafka'
import { ChildProgram } from './support/child-program.ts'
import type { JoinConfig, JoinMessage } from './support/join-messages.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const brokers = inject('kafkaBrokers')
/** Nobody but who is killed may be taken for dead: what is between a changelog and its offsets would be processed again. */
const sessionTimeoutMs = 10_000
const pair = { key: serdes.string, value: serdes.string }
const KEYS = 40

class Joiner extends ChildProgram<JoinMessage> {
  readonly messages: JoinMessage[]

  constructor(config: JoinConfig) {
    const messages: JoinMessage[] = []
    super('join-member', config, (message) => messages.push(message))
    this.messages = messages
  }

  get assignments(): number {
    return this.messages.filter((message) => message.type === 'event' && message.event.type === 'assigned').length
  }

  /** Resolves when everything that is written by now has been processed and committed, by whoever has it. */
  async caughtUp(): Promise<void> {
    const answers = () => this.messages.filter((message) => message.type === 'caught-up')
    const before = answers().length
    this.send({})
    await this.until(() => answers().length > before)
    const error = answers().at(-1)?.error
    if (error !== undefined) throw new Error(`the member could not catch up: ${error}`)
  }

  get failure(): { readonly code: string; readonly message: string } | undefined {
    return this.messages.find((message) => message.type === 'failed')
  }
}

/** Two topics of two partitions each, which a join needs together, and a way to start members that join them. */
async function setUp(groupProtocol: JoinConfig['groupProtocol'], coLocate: boolean) {
  const folder = await temporaryFolder()
  const log = await LogClient.open(kafka({ brokers }))
  const id = randomUUID().slice(0, 8)
  const topics = { left: `left-${id}`, right: `right-${id}`, output: `out-${id}` }
  await log.createTopics({ [topics.left]: 2, [topics.right]: 2, [topics.output]: 2 })
  const members: Joiner[] = []
  let written = 0
  return {
    log,
    topics,
    members,
    start() {
      const stateDir = join(folder.path, String(members.length))
      const applicationId = `join-${id}`
      const member = new Joiner({ brokers, sessionTimeoutMs, applicationId, topics, stateDir, groupProtocol, coLocate })
      members.push(member)
      return member
    },
    /** For every key a record on the left, and one on the right a moment later. */
    async write() {
      const round = written++
      const keys = Array.from({ length: KEYS }, (_, i) => `k${i}`)
      const timestamp = 1_700_000_000_000 + round * 1_000
      for (const [topic, later] of [
        [topics.left, 0],
        [topics.right, 1],
      ] as const) {
        await log.write(
          topic,
          pair,
          keys.map((key) => ({ key, value: String(round), timestamp: timestamp + later })),
        )
      }
    },
    async [Symbol.asyncDispose]() {
      for (const member of members) await member[Symbol.asyncDispose]()
      await log[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

describe.concurrent('assignment', () => {
  test.for(['classic', 'consumer'] as const)(
    'two topics that are joined stay together over three processes that come and go, in a %s group',
    { timeout: 240_000 },
    async (groupProtocol, { expect, onTestFailed }) => {
      await using run = await setUp(groupProtocol, true)
      onTestFailed(() => {
        for (const { messages } of run.members) process.stderr.write(`${JSON.stringify(messages.slice(-20))}\n`)
      })
      const first = run.start()
      await first.until(({ assignments }) => assignments > 0)
      await run.write()
      // In the midst of a commit, changes of state may count without their offsets: a right record would meet a later left one.
      await first.caughtUp()
      const second = run.start()
      await second.until(({ assignments }) => assignments > 0)
      await run.write()
      await first.caughtUp()
      const third = run.start()
      await third.until(({ messages }) => messages.length > 0)
      await run.write()
      await first.caughtUp()
      second.signal('SIGKILL')
      await second.exit()
      await run.write()
      await first.caughtUp()
      const joined = new Set((await run.log.readAll(run.topics.output, pair)).map(({ key, value }) => `${key} ${value}`))
      const expected = Array.from({ length: KEYS * 4 }, (_, i) => `k${i % KEYS} ${Math.floor(i / KEYS)} ${Math.floor(i / KEYS)}`)
      expect([...joined].sort()).toEqual(expected.sort())
      expect(run.members.map(({ failure }) => failure)).toEqual([undefined, undefined, undefined])
    },
  )

  test(
    'without range assignment a task is split between members; it is never run, and the application says why',
    { timeout: 120_000 },
    async ({ expect }) => {
      await using run = await setUp('classic', false)
      // Four partitions that are dealt out to three members: somebody has one without the other.
      for (let member = 0; member < 3; member++) run.start()
      await run.write()
      const failed = await Promise.race(
        run.members.map((member) => member.until(({ failure }) => failure !== undefined).then(() => member)),
      )
      expect(failed.failure?.code).toBe('TASK_SPLIT')
      expect(failed.failure?.message).toMatch(/Task 0_\d needs the same partition of all its topics on one member/)
      const wrong = (await run.log.readAll(run.topics.output, pair)).filter(({ value }) => value !== '0 0')
      expect(wrong).toEqual([])
    },
  )
})
