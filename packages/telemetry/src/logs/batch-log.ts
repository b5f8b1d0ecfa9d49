import type { FailureEvent, Logger, PassEndedEvent, RuntimeEvent } from '@millrace/core'

/** What of many failed records is named in one line. */
const MAX_NAMED = 10

/** How batches are logged. */
export interface LogOptions {
  /** Anything of pino's form. Default: the application's. */
  readonly logger?: Logger | undefined
  /** At most one summary in so many milliseconds for each partition. Default: 10,000. */
  readonly summaryEveryMs?: number | undefined
}

/** Records that were given up with no pass around them, and are not told yet. */
interface Apart {
  failed: number
  named: FailureEvent[]
  toldAt: number
}

interface Summary {
  readonly task: string
  passes: number
  records: number
  failed: number
  retries: number
  durationMs: number
  offset: number
  loggedAt: number
}

export interface BatchLogOptions {
  readonly application: string
  readonly logger: Logger
  readonly summaryEveryMs: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Calls back once, after so many milliseconds; returns how to cancel it. */
  readonly after: (delayMs: number, callback: () => void) => () => void
}

/**
 * One line for what a person needs: summaries of batches (`info`), batches of which records failed (`warn`), batches that failed as a whole (`error`),
 * single records (`debug`).
 */
export class BatchLog {
  readonly events = ['failure', 'pass-ended', 'revoked', 'lost', 'recover', 'state'] as const
  readonly #options: BatchLogOptions
  readonly #summaries = new Map<string, Map<string, Summary>>()
  /** Failures of the pass under way, by task. */
  readonly #failures = new Map<string, FailureEvent[]>()
  /** By task and topic-partition. */
  readonly #apart = new Map<string, Apart>()
  /** Cancels the timer that runs while something is not told yet: no batch may follow that would tell it. */
  #cancel: (() => void) | undefined

  constructor(options: BatchLogOptions) {
    this.#options = options
  }

  readonly observe = (event: RuntimeEvent): void => {
    switch (event.type) {
      case 'failure':
        return this.#failed(event)
      case 'pass-ended':
        return this.#ended(event)
      case 'revoked':
      case 'lost':
      case 'recover':
        for (const task of event.tasks) this.#forget(task)
        return undefined
      case 'state':
        if (event.to === 'not-running' || event.to === 'error') this.#forgetAll()
        return undefined
      default:
        return undefined
    }
  }

  #failed(event: FailureEvent): void {
    const { application, logger } = this.#options
    const { task, topic, partition, offset, node, stage, policy, attempts, error: err } = event
    logger.debug({ application, task, topic, partition, offset, node, stage, policy, attempts, err }, 'a record failed')
    if (isApart(event)) return this.#failedApart(event)
    const failures = this.#failures.get(task)
    if (failures === undefined) this.#failures.set(task, [event])
    else if (failures.length < MAX_NAMED) failures.push(event)
  }

  #failedApart(event: FailureEvent): void {
    const key = `${event.task} ${event.topic} ${event.partition}`
    let apart = this.#apart.get(key)
    if (apart === undefined) this.#apart.set(key, (apart = { failed: 0, named: [], toldAt: -Infinity }))
    apart.failed++
    if (apart.named.length < MAX_NAMED) apart.named.push(event)
    this.#tellApart(apart)
    if (apart.failed > 0) this.#tellLater()
  }

  /** At once, and then at most once in a while: a topic may be full of them. */
  #tellApart(apart: Apart, now: number = this.#options.now()): void {
    const [first] = apart.named
    if (first === undefined || now - apart.toldAt < this.#options.summaryEveryMs) return
    const { application, logger } = this.#options
    const { task, topic, partition, offset } = first
    logger.warn({ application, task, topic, partition, offset, failed: apart.failed, failures: apart.named.map(named) }, 'records failed')
    apart.failed = 0
    apart.named = []
    apart.toldAt = now
  }

  #ended(event: PassEndedEvent): void {
    const { application, logger } = this.#options
    const { task, topic, partition, records, givenUp, firstOffset, durationMs, outcome } = event
    if (outcome === 'failed') {
      const about = { application, task, topic, partition, offset: firstOffset, records, durationMs, err: event.error }
      logger.error(about, 'a batch failed')
    } else if (givenUp > 0) {
      const failures = (this.#failures.get(task) ?? []).map(named)
      logger.warn(
        { application, task, topic, partition, offset: firstOffset, records, failed: givenUp, failures },
        'records of a batch failed',
      )
    }
    if (this.#failures.size > 0) this.#failures.delete(task)
    if (this.#apart.size > 0) for (const apart of this.#apart.values()) this.#tellApart(apart)
    if (event.done > 0) this.#sum(event)
  }

  #sum({ task, topic, partition, done, givenUp, retries, durationMs, firstOffset, lastOffset, records }: PassEndedEvent): void {
    const { now, summaryEveryMs } = this.#options
    let topics = this.#summaries.get(task)
    if (topics === undefined) this.#summaries.set(task, (topics = new Map<string, Summary>()))
    let summary = topics.get(topic)
    if (summary === undefined) topics.set(topic, (summary = emptySummary(task, -Infinity)))
    summary.passes++
    summary.records += done
    summary.failed += givenUp
    summary.retries += retries
    summary.durationMs += durationMs
    summary.offset = done === records ? lastOffset : firstOffset + done - 1
    const at = now()
    if (at - summary.loggedAt < summaryEveryMs) return this.#tellLater()
    this.#log(summary, topic, partition)
    topics.set(topic, emptySummary(task, at))
  }

  #tellLater(): void {
    this.#cancel ??= this.#options.after(this.#options.summaryEveryMs, () => {
      this.#cancel = undefined
      this.#tellDue()
    })
  }

  /** What was held back for long enough; the rest a little later. */
  #tellDue(): void {
    const { now, summaryEveryMs } = this.#options
    const at = now()
    let isLeft = false
    for (const [task, topics] of this.#summaries)
      for (const [topic, summary] of topics) {
        if (summary.passes === 0) continue
        if (at - summary.loggedAt < summaryEveryMs) isLeft = true
        else {
          this.#log(summary, topic, partitionOf(task))
          topics.set(topic, emptySummary(task, at))
        }
      }
    for (const apart of this.#apart.values()) {
      this.#tellApart(apart, at)
      isLeft ||= apart.failed > 0
    }
    if (isLeft) this.#tellLater()
  }

  #log({ task, passes, records, failed, retries, durationMs, offset }: Summary, topic: string, partition: number): void {
    const { application, logger } = this.#options
    const about = { application, task, topic, partition, offset, passes, records, failed, retries, durationMs: Math.round(durationMs) }
    logger.info(about, 'batches were processed')
  }

  /** What was not told yet of a task that is over. */
  #forget(task: string): void {
    const partition = partitionOf(task)
    for (const [topic, summary] of this.#summaries.get(task) ?? []) if (summary.passes > 0) this.#log(summary, topic, partition)
    this.#summaries.delete(task)
    this.#failures.delete(task)
    for (const [key, apart] of this.#apart) {
      if (!key.startsWith(`${task} `)) continue
      this.#tellApart(apart, Infinity)
      this.#apart.delete(key)
    }
  }

  #forgetAll(): void {
    for (const task of [...this.#summaries.keys()]) this.#forget(task)
    for (const apart of this.#apart.values()) this.#tellApart(apart, Infinity)
    this.#apart.clear()
    this.#cancel?.()
    this.#cancel = undefined
  }
}

/** What can't be read is given up before its pass, and a row that a database refuses after it, by the sink alone. */
function isApart({ stage, task, node }: FailureEvent): boolean {
  return stage === 'source' || task === node
}

function partitionOf(task: string): number {
  return Number(task.slice(task.indexOf('_') + 1))
}

function named({ offset, node, policy, error }: FailureEvent): object {
  return { offset, node, policy, reason: error instanceof Error ? error.message : String(error) }
}

function emptySummary(task: string, loggedAt: number): Summary {
  return { task, passes: 0, records: 0, failed: 0, retries: 0, durationMs: 0, offset: -1, loggedAt }
}
