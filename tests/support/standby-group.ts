import { expect } from 'vitest'
import { defineKeyValueStore, type KeyValueStoreDefinition } from '@millrace/core'
import {
  type App,
  type AppDefinition,
  BatchCountAggregator,
  defineApp,
  type Logger,
  type ProcessingGuarantee,
  type RuntimeEvent,
  serdes,
  start,
  type Topology,
  TopologyBuilder,
  type Transport,
} from 'millrace'
import { leveldb } from 'millrace/leveldb'
import { inMemory, memory, type MemoryFaults } from 'millrace/memory'
import { LogClient } from './log-client.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { countWords, someLines } from './word-count-topology.ts'
import { aroundWrites } from './around-writes.ts'

const text = { key: serdes.string, value: serdes.string }
const totals = { key: serdes.string, value: serdes.safeInt64 }
const PARTITIONS = 2
/** More than any test sends. */
const words = someLines(600).flatMap((line) => line.split(' '))

export interface GroupOptions {
  /** Default: an embedded log, with `faults`. */
  readonly transport?: Transport
  /** Sets its names apart from those of others on one broker. */
  readonly id?: string
  readonly backend?: 'leveldb' | 'memory'
  readonly guarantee?: ProcessingGuarantee
  readonly faults?: MemoryFaults
  /** Each write to a folder of a store waits for it. */
  readonly beforeWrite?: (folder: string) => Promise<void>
}

/** One member of a {@link StandbyGroup}. */
export interface StandbyMember {
  readonly app: App
  /** That of its group. */
  readonly patience: { readonly timeout: number }
  readonly events: readonly RuntimeEvent[]
  /** What was logged as an error: why local state was set aside, where that is what it says. */
  readonly reasons: readonly unknown[]
  /** Ids of its own tasks. */
  readonly tasks: () => readonly string[]
  /** Of its standbys: `<task> <phase>`. */
  readonly phases: () => readonly string[]
  /** Records that it has read back for a task, when that came to it. */
  readonly restored: (task: string) => number
  readonly close: () => Promise<void>
}

/** Members of one group, all in this process, that count words with `hotStandby`, each in a slot of its own of one folder. */
export class StandbyGroup implements AsyncDisposable {
  readonly log: LogClient
  readonly applicationId: string
  /** How long is waited for what members come to do. On a broker, a join takes two rounds; one that was away comes back slowly. */
  readonly patience: { readonly timeout: number }
  readonly #transport: Transport
  readonly #topics: { readonly words: string; readonly totals: string }
  readonly stateDir: string
  readonly #options: GroupOptions
  readonly #members = new Set<StandbyMember>()
  readonly #folder: AsyncDisposable
  /** Up to where the changelog is in what is at a folder. */
  readonly #positions = new Map<string, number>()
  readonly #store: KeyValueStoreDefinition<string, number>
  #sent = 0

  static async open(options: GroupOptions = {}): Promise<StandbyGroup> {
    const { faults, transport = memory(faults === undefined ? {} : { faults }) } = options
    const folder = await temporaryFolder()
    const group = new StandbyGroup(options, { transport, log: await LogClient.open(transport), folder })
    await group.log.createTopics({ [group.#topics.words]: PARTITIONS, [group.#topics.totals]: PARTITIONS })
    return group
  }

  private constructor(
    options: GroupOptions,
    parts: { transport: Transport; log: LogClient; folder: Awaited<ReturnType<typeof temporaryFolder>> },
  ) {
    const suffix = options.id === undefined ? '' : `-${options.id}`
    this.applicationId = `standbys${suffix}`
    this.#topics = { words: `words${suffix}`, totals: `totals${suffix}` }
    this.#options = options
    this.patience = { timeout: options.transport === undefined ? 20_000 : 120_000 }
    this.#transport = parts.transport
    this.log = parts.log
    this.stateDir = parts.folder.path
    this.#folder = parts.folder
    const { backend = 'leveldb' } = options
    const kinds = { leveldb, memory: inMemory }
    this.#store = this.#watched(kinds[backend].keyValueStore({ name: 'counts', ...totals }))
  }

  get changelog(): string {
    return `${this.applicationId}-counts-changelog`
  }

  /** Sends the next words. */
  async send(count: number): Promise<void> {
    const next = words.slice(this.#sent, this.#sent + count)
    this.#sent += next.length
    await this.log.write(
      this.#topics.words,
      text,
      next.map((key) => ({ key, value: '' })),
    )
  }

  async start(overrides: Partial<AppDefinition> = {}): Promise<StandbyMember> {
    const events: RuntimeEvent[] = []
    const reasons: unknown[] = []
    const nothing = () => undefined
    const error: Logger['error'] = (fields, message) => {
      reasons.push(('reason' in fields ? fields.reason : undefined) ?? message)
    }
    const app = await start(
      defineApp({
        topology: this.#topology(),
        applicationId: this.applicationId,
        transport: this.#transport,
        stateDir: this.stateDir,
        hotStandby: true,
        processingGuarantee: this.#options.guarantee ?? 'at-least-once',
        logger: { debug: nothing, info: nothing, warn: nothing, error },
        batch: { size: 20, timeoutMs: 1 },
        commit: { intervalMs: 10 },
        observer: (event) => events.push(event),
        ...overrides,
      }),
    )
    const running = app.run()
    running.catch(() => undefined)
    const member: StandbyMember = {
      app,
      patience: this.patience,
      events,
      reasons,
      tasks: () => app.health().tasks.flatMap(({ task, state }) => (state === 'running' ? task : [])),
      phases: () => events.flatMap((event) => (event.type === 'standby' ? `${event.task} ${event.phase}` : [])),
      restored: (task) =>
        events.reduce((sum, event) => {
          const counts = event.type === 'restore' && event.task === task && event.phase === 'completed'
          return counts ? sum + event.restoredRecords : sum
        }, 0),
      close: async () => {
        this.#members.delete(member)
        await app.close()
        await running
      },
    }
    this.#members.add(member)
    return member
  }

  /** Resolves when all that was sent is counted and committed. */
  async caughtUp(): Promise<void> {
    for (const { app } of this.#members) await app.caughtUp()
  }

  /** Up to where the changelog of a task is in the folder of a slot. */
  position(task: string, slot: number): number {
    return this.#positions.get(`${this.stateDir}/${this.applicationId}/${slot}/${task}/counts`) ?? 0
  }

  /** The offset behind the last record of a task's changelog. */
  async changelogEnd(task: string): Promise<number> {
    return ((await this.#changelog(task)).at(-1)?.offset ?? -1) + 1
  }

  /** How many records a task's changelog has. */
  async changelogRecords(task: string): Promise<number> {
    return (await this.#changelog(task)).length
  }

  /** What a member's stores have, which has all tasks, what was put out last for each word, and what both should be. */
  async counts({ app }: StandbyMember): Promise<Record<'stored' | 'written' | 'truth', ReadonlyMap<string, number>>> {
    await app.caughtUp()
    const stored = new Map<string, number>()
    for await (const page of app.store(this.#store).rangePages({})) for (const [key, value] of page) stored.set(key, value)
    const written = await this.log.readAll(this.#topics.totals, totals)
    return {
      stored,
      written: new Map(written.map(({ key, value }) => [key, value])),
      truth: countWords(words.slice(0, this.#sent)),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { app } of this.#members) await app.close().catch(() => undefined)
    await this.log[Symbol.asyncDispose]()
    await this.#folder[Symbol.asyncDispose]()
  }

  async #changelog(task: string) {
    const records = await this.log.readAll(this.changelog, { key: serdes.string, value: serdes.nullable(serdes.safeInt64) })
    return records.filter(({ partition }) => task.endsWith(`_${partition}`))
  }

  #topology(): Topology {
    const counts = this.#store
    const builder = new TopologyBuilder('standbys')
    builder
      .source('words', { topics: [this.#topics.words], ...text })
      .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
      .sink('totals', { topic: this.#topics.totals, ...totals })
    return builder.build()
  }

  #watched(store: KeyValueStoreDefinition<string, number>): KeyValueStoreDefinition<string, number> {
    return defineKeyValueStore({
      ...store,
      open: async (where) =>
        aroundWrites(await store.open(where), async (write, { metadata }) => {
          await this.#options.beforeWrite?.(where.folder)
          await write()
          if (metadata === undefined) return
          const { changelogPosition } = JSON.parse(Buffer.from(metadata).toString()) as { changelogPosition: number }
          this.#positions.set(where.folder, changelogPosition)
        }),
    })
  }
}

/** The task of two that is not `task`. */
export function otherTask(task: string): string {
  return task === '0_0' ? '0_1' : '0_0'
}

/** Each of `members` comes to run so many tasks. */
export async function expectSplit(...members: readonly (readonly [member: StandbyMember, tasks: number])[]): Promise<void> {
  const patience = members[0]?.[0].patience
  await expect.poll(() => members.map(([member]) => member.tasks().length), patience).toEqual(members.map(([, count]) => count))
}

/** All that was sent is counted, and the folder of a slot comes to have all of a task's changelog. */
export async function expectFollowed(group: StandbyGroup, task: string, slot: number): Promise<void> {
  await group.caughtUp()
  const end = await group.changelogEnd(task)
  await expect.poll(() => group.position(task, slot), group.patience).toBeGreaterThanOrEqual(end)
}

/** All that was sent was counted once, as a member says that has all tasks, and as was put out. */
export async function expectCounted(group: StandbyGroup, member: StandbyMember): Promise<void> {
  const { stored, written, truth } = await group.counts(member)
  expect(stored).toEqual(truth)
  expect(written).toEqual(truth)
}
