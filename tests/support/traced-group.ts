import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { serdes } from 'millrace'
import { kafka } from 'millrace/kafka'
import type { ChildOptions } from './child-program.ts'
import { LogClient } from './log-client.ts'
import { Member } from './member.ts'
import { type MemberConfig, signalledFile } from './member-messages.ts'
import { repartitionSerdes, tracedSerdes } from './traced-word-count.ts'
import { countWords, inputSerdes, someLines } from './word-count-topology.ts'

const changelogSerdes = { key: serdes.string, value: serdes.safeInt64 }

export interface GroupOptions {
  readonly brokers: string
  readonly sessionTimeoutMs: number
  readonly groupProtocol: 'classic' | 'consumer'
  readonly partitions: number
  /** Of input and output. Default: the broker's. */
  readonly replicationFactor?: number
  /** A folder for the state of each member. */
  readonly folder: string
}

/** Topics and a group of their own, for members that count words in processes of their own. */
export class TracedGroup implements AsyncDisposable {
  readonly #options: GroupOptions
  readonly applicationId: string
  readonly log: LogClient
  readonly topics: { readonly input: string; readonly output: string }
  readonly lines: string[] = []

  private constructor(options: GroupOptions, log: LogClient) {
    const id = randomUUID().slice(0, 8)
    this.#options = options
    this.applicationId = `traced-${id}`
    this.log = log
    this.topics = { input: `lines-${id}`, output: `counts-${id}` }
  }

  static async open(options: GroupOptions): Promise<TracedGroup> {
    const group = new TracedGroup(options, await LogClient.open(kafka({ brokers: options.brokers })))
    const { partitions, replicationFactor } = options
    await group.log.createTopics({ [group.topics.input]: partitions, [group.topics.output]: partitions }, replicationFactor)
    return group
  }

  /** Where a member of this name keeps its state. */
  stateDir(name: string): string {
    return join(this.#options.folder, name)
  }

  start(name: string, overrides: Partial<MemberConfig> = {}, child: ChildOptions = {}): Member {
    const { brokers, groupProtocol, sessionTimeoutMs } = this.#options
    const config: MemberConfig = {
      brokers,
      groupProtocol,
      sessionTimeoutMs,
      applicationId: this.applicationId,
      topics: this.topics,
      stateDir: this.stateDir(name),
      batchSize: 20,
      commitIntervalMs: 100,
      ...overrides,
    }
    return new Member(config, 'word-count-member', child)
  }

  /** Resolves when this member has come to the step at which it sends itself a signal; rejects if it ends before. */
  async signalled(member: Member, name: string): Promise<void> {
    while (!existsSync(signalledFile(this.stateDir(name)))) {
      if (member.hasEnded) throw new Error(`member '${name}' ended before it came to its step`)
      await pause(20)
    }
  }

  /** Writes some more lines: so many, or these. */
  async write(lines: number | readonly string[]): Promise<void> {
    const more = typeof lines === 'number' ? someLines(lines, this.lines.length + 1) : lines
    this.lines.push(...more)
    await this.log.write(
      this.topics.input,
      inputSerdes,
      more.map((value) => ({ key: null, value })),
    )
  }

  /** Writes so many lines again and again until the condition holds for a member; rejects if that ends before. */
  async writeUntil(member: Member, condition: (member: Member) => boolean, lines: number): Promise<void> {
    while (!condition(member)) {
      if (member.hasEnded) await member.until(condition)
      await this.write(lines)
      await pause(50)
    }
  }

  /** Every word's true count. */
  trueCounts(): Map<string, number> {
    return countWords(this.lines)
  }

  /**
   * What is in the output, the repartition topic and the changelog now. Members that run may purge the repartition topic while it is read, which then fails:
   * ask when they are closed, or again.
   */
  async written() {
    const internal = (name: string) => `${this.applicationId}-${name}`
    const [output, repartition, changelog] = await Promise.all([
      this.log.readAll(this.topics.output, tracedSerdes),
      this.log.readAll(internal('by-word-repartition'), repartitionSerdes),
      this.log.readAll(internal('counts-changelog'), changelogSerdes),
    ])
    return { output, repartition, changelog }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log[Symbol.asyncDispose]()
  }
}
