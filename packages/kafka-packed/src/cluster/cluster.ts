import { type API, metadataV10, metadataV11, metadataV12, metadataV9 } from '@platformatic/kafka'
import { type Clock, settledWithin } from '@millrace/core'
import { PackedError } from '../errors/packed-error.ts'
import { backoffMs } from './backoff.ts'
import { BrokerConnection } from './broker-connection.ts'
import { ClusterMetadata, type MetadataAnswer, type MetadataTopic } from './cluster-metadata.ts'
import type { BrokerAddress, ResolvedConnectOptions } from './connection-options.ts'

const METADATA: readonly API<[string[] | null, boolean?, boolean?], MetadataAnswer>[] = [
  metadataV12.api,
  metadataV11.api,
  metadataV10.api,
  metadataV9.api,
]

/** What a connection is for: a broker answers those of one connection in turn, so what waits has its own. */
export type Lane = 'control' | 'fetch-0' | 'fetch-1' | 'fetch-urgent' | 'coordinator' | 'produce'

/** For how long a broker is waited for alone, in milliseconds: one that is frozen keeps its connections, and answers nothing. */
const SILENCE_MS = 1_000

/** What came of asking one broker. */
type Asked<T> = { readonly answer: T; readonly error: undefined } | { readonly answer?: undefined; readonly error: PackedError }

interface Line {
  connection: Promise<BrokerConnection> | undefined
  /** Of the one that is being made. */
  opening: AbortController
  failures: number
  /** Of the last attempt, unless it came through. */
  failure: PackedError | undefined
  /** Not tried again before, on the monotonic clock. */
  notBefore: number
}

/** The brokers: connections to them, kept as long as they hold, and who leads what. */
export class Cluster {
  readonly options: ResolvedConnectOptions
  readonly metadata = new ClusterMetadata()
  readonly #clock: Clock
  readonly #topics = new Set<string>()
  readonly #lines = new Map<string, Line>()
  readonly #delays = new Set<() => void>()
  /** Addresses whose brokers have not answered for a while. */
  readonly #silent = new Set<string>()
  #refreshing: { readonly done: Promise<void>; readonly tracked: number } | undefined
  /** How many topics were tracked so far, those that are forgotten included. */
  #tracked = 0
  #refreshedAt = -Infinity
  /** On the monotonic clock. */
  readonly #openUntil: number
  #isClosed = false

  constructor(options: ResolvedConnectOptions, clock: Clock) {
    this.options = options
    this.#clock = clock
    this.#openUntil = clock.monotonic() + (options.openTimeoutMs ?? Infinity)
  }

  /** Whether what is known of leaders is older than it may be. */
  get isStale(): boolean {
    return this.#clock.monotonic() - this.#refreshedAt > this.options.metadataMaxAgeMs
  }

  /** Topics that every {@link refresh} asks for from now on. */
  track(topics: Iterable<string>): void {
    for (const topic of topics) {
      if (this.#topics.has(topic)) continue
      this.#topics.add(topic)
      this.#tracked++
    }
  }

  /** Topics that are of no use any more: nothing is asked or known of them. */
  forget(topics: Iterable<string>): void {
    for (const topic of topics) {
      this.#topics.delete(topic)
      this.metadata.forget(topic)
    }
  }

  /** Asks anew who leads what. Rejects when no broker answers. Asked for several times at once, it is done once. */
  async refresh(): Promise<void> {
    const under = this.#refreshing
    if (under !== undefined) {
      await under.done
      // It may have begun before the topics were known that are asked for now.
      if (under.tracked === this.#tracked) return
      return this.refresh()
    }
    const done = this.#refresh()
    this.#refreshing = { done, tracked: this.#tracked }
    try {
      await done
    } finally {
      this.#refreshing = undefined
    }
  }

  /**
   * Settles as `asked` does, which is a step of opening; rejects when opening takes too long. A first question that is lost, on its way or in a broker, is never
   * answered: who opens may ask it again over other connections.
   */
  async opening<T>(asked: Promise<T>): Promise<T> {
    const leftMs = this.#openUntil - this.#clock.monotonic()
    // What is too late ends when the cluster is closed.
    if (leftMs === Infinity || (await settledWithin(asked, Math.max(0, leftMs), this.#clock))) return asked
    const names = this.#addresses().map(addressKey).join(', ')
    throw new PackedError(`Nobody has answered in time at ${names}.`, { kind: 'timed-out' })
  }

  /** What is answered of these topics, which are not tracked for that; null: of all. */
  async topics(topics: string[] | null): Promise<readonly MetadataTopic[]> {
    return (await this.any((connection) => connection.call(METADATA, topics, false, false))).topics
  }

  /** What each broker answers of these topics that does so within a second. */
  async topicsOfAll(topics: string[]): Promise<readonly MetadataTopic[]> {
    const answers: MetadataTopic[] = []
    const asked = this.#addresses().map(async (address) => {
      const { answer } = await this.#ask(address, (connection) => connection.call(METADATA, topics, false, false))
      answers.push(...(answer?.topics ?? []))
    })
    await settledWithin(Promise.all(asked), SILENCE_MS, this.#clock)
    if (this.#isClosed) throw closed()
    return [...answers]
  }

  /**
   * To the broker of this id. Waits for its turn after failures; but to who looks after a group or a transactional id it rejects at once: another may do so by now.
   * Rejects with a {@link PackedError}.
   */
  connection(node: number, lane: Lane): Promise<BrokerConnection> {
    const address = this.metadata.brokers.get(node)
    if (address === undefined) return Promise.reject(new PackedError(`Broker ${node} is not known.`, { kind: 'unreachable' }))
    return this.#connectionTo(address, lane)
  }

  /** A broker that answers, whichever: who is silent for a second is not waited for alone. What is asked may so be asked of several. */
  async any<T>(ask: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    const addresses = this.#addresses()
    const questions = new Set<Promise<Asked<T>>>()
    let last: PackedError | undefined
    for (;;) {
      const address = addresses.shift()
      if (address !== undefined) questions.add(this.#ask(address, ask))
      if (questions.size === 0) throw last ?? new PackedError('No broker is known.', { kind: 'unreachable' })
      const asked = await this.#first(questions, addresses.length > 0)
      if (asked === undefined) continue
      if (asked.error === undefined) return asked.answer
      last = asked.error
      // Others would refuse, too.
      if (last.kind === 'authentication' || last.kind === 'closed') throw last
    }
  }

  /** Resolves after so many milliseconds, or when the cluster is closed. */
  async delay(ms: number): Promise<void> {
    if (this.#isClosed) return
    await new Promise<void>((resolve) => {
      const end = (): void => {
        cancel()
        this.#delays.delete(end)
        resolve()
      }
      const cancel = this.#clock.after(ms, end)
      this.#delays.add(end)
    })
  }

  /** Every request under way rejects. */
  close(): void {
    this.#isClosed = true
    for (const end of [...this.#delays]) end()
    for (const { connection, opening } of this.#lines.values()) {
      opening.abort()
      connection?.then(
        (opened) => opened.close(),
        () => {},
      )
    }
    this.#lines.clear()
  }

  /** Never rejects. */
  async #ask<T>(address: BrokerAddress, ask: (connection: BrokerConnection) => Promise<T>): Promise<Asked<T>> {
    const key = addressKey(address)
    const cancel = this.#clock.after(SILENCE_MS, () => this.#silent.add(key))
    try {
      const answer = await ask(await this.#connectionTo(address, 'control'))
      this.#silent.delete(key)
      return { answer, error: undefined }
    } catch (error) {
      return { error: error as PackedError }
    } finally {
      cancel()
    }
  }

  /** The first question that has come to an end, which is taken out; undefined: there are others to ask, and none has for a while. */
  async #first<T>(questions: Set<Promise<Asked<T>>>, hasOthers: boolean): Promise<Asked<T> | undefined> {
    const ends = [...questions].map((question) => question.then((asked) => ({ asked, question })))
    let cancel = (): void => {}
    const silence = new Promise<undefined>((resolve) => {
      if (hasOthers) cancel = this.#clock.after(SILENCE_MS, () => resolve(undefined))
    })
    const end = await Promise.race([...ends, silence])
    cancel()
    if (end !== undefined) questions.delete(end.question)
    return end?.asked
  }

  async #refresh(): Promise<void> {
    const topics = [...this.#topics]
    const asked = this.any((connection) => connection.call(METADATA, topics, false, false))
    this.metadata.take(await (this.#refreshedAt === -Infinity ? this.opening(asked) : asked))
    this.#refreshedAt = this.#clock.monotonic()
  }

  /** Those that failed or are silent last; else those known first, then those to begin with: these may be names of several. */
  #addresses(): BrokerAddress[] {
    const addresses = new Map<string, BrokerAddress>()
    for (const address of [...this.metadata.brokers.values(), ...this.options.brokers]) addresses.set(addressKey(address), address)
    const waiting = (address: BrokerAddress): number =>
      this.#silent.has(addressKey(address)) ? Infinity : (this.#lines.get(lineKey(address, 'control'))?.failures ?? 0)
    return [...addresses.values()].toSorted((one, other) => (waiting(one) === waiting(other) ? 0 : waiting(one) - waiting(other)))
  }

  async #connectionTo(address: BrokerAddress, lane: Lane): Promise<BrokerConnection> {
    if (this.#isClosed) throw closed()
    const key = lineKey(address, lane)
    const line = this.#lines.get(key) ?? newLine()
    this.#lines.set(key, line)
    const before = line.connection
    const known = await before?.catch(() => undefined)
    if (known?.isUsable === true) return known
    // Another caller may have begun anew meanwhile.
    if (line.connection !== before && line.connection !== undefined) return line.connection
    if (lane === 'coordinator' && line.failure !== undefined && this.#clock.monotonic() < line.notBefore) throw line.failure
    known?.retire()
    line.connection = this.#open(address, line)
    return line.connection
  }

  async #open(address: BrokerAddress, line: Line): Promise<BrokerConnection> {
    try {
      const wait = line.notBefore - this.#clock.monotonic()
      if (wait > 0) await this.delay(wait)
      if (this.#isClosed) throw closed()
      line.opening = new AbortController()
      const connection = await BrokerConnection.open(address, this.options, { signal: line.opening.signal })
      line.failures = 0
      line.failure = undefined
      if (!this.#isClosed) return connection
      connection.close()
      throw closed()
    } catch (error) {
      line.failures++
      line.failure = error as PackedError
      line.notBefore = this.#clock.monotonic() + backoffMs(line.failures)
      line.connection = undefined
      throw error
    }
  }
}

function newLine(): Line {
  return { connection: undefined, opening: new AbortController(), failures: 0, failure: undefined, notBefore: -Infinity }
}

function addressKey({ host, port }: BrokerAddress): string {
  return `${host}:${port}`
}

function lineKey(address: BrokerAddress, lane: Lane): string {
  return `${addressKey(address)} ${lane}`
}

function closed(): PackedError {
  return new PackedError('The client has been closed.', { kind: 'closed' })
}
