import type { CommitParticipant, OffsetCommit, RecordSource, RecordWriter } from '@millrace/core'
import { type OutputQueue, OutputQueueClosed } from '../sink/output-queue.ts'
import type { ChangeloggedStore } from '../store/task-stores.ts'
import type { SealedTask } from '../task/sealed-task.ts'
import type { Task } from '../task/task.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import type { CommitCoordinator, CommitReason } from './commit-coordinator.ts'
import { abandoned } from './abandoned.ts'
import { lowestOffsets } from './lowest-offsets.ts'
import { Membership } from './membership.ts'

export interface AtLeastOnceOptions {
  readonly environment: TaskEnvironment
  readonly source: RecordSource
  readonly writer: RecordWriter
  /** What passes write, on its way to the writer. */
  readonly output: OutputQueue
  /** Who must be durable before offsets are: the writer first, then sinks outside. */
  readonly participants: readonly CommitParticipant[]
}

/**
 * Seal, then see that the group still counts us in, then write the changelogs, make them and the output durable, then commit the offsets, then
 * write local state. So no offset is ever ahead of what it stands for, the local store is never ahead of the changelog, and nobody who lost his
 * partitions writes changelogs. What passes write meanwhile waits until the commit has answered. A commit ends where it is as soon as one of its
 * tasks is closed: the partitions may have got another owner, or come back with another epoch, while something was waited for.
 */
export class AtLeastOnceCoordinator implements CommitCoordinator {
  readonly #options: AtLeastOnceOptions
  readonly #membership: Membership
  #failure: { readonly error: unknown } | undefined

  constructor(options: AtLeastOnceOptions) {
    this.#options = options
    this.#membership = new Membership(options.source, options.environment.clock)
  }

  async commit(tasks: readonly Task[], reason: CommitReason): Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure.error
    try {
      return await this.#commitNow(tasks, reason)
    } catch (caught) {
      // What made the writer fail says more than that it is gone.
      const error = caught instanceof OutputQueueClosed ? caught.cause : caught
      this.#failure = { error }
      this.#options.output.close(error)
      throw error
    }
  }

  abandon(reason: unknown): void {
    this.#failure ??= { error: reason ?? abandoned('its writer was closed') }
  }

  async #commitNow(tasks: readonly Task[], reason: CommitReason): Promise<boolean> {
    const { environment, output } = this.#options
    const began = environment.clock.monotonic()
    const sealed: SealedTask[] = []
    for (const task of tasks) {
      const taken = task.seal()
      if (taken !== undefined) sealed.push(taken)
    }
    if (sealed.length === 0) return false
    const offsets = sealed.flatMap((one) => one.offsets)
    const changelog = sealed.flatMap((one) => one.changelog)
    try {
      // At once, before any pass can end: what is queued now belongs to what is sealed now.
      await output.barrier()
      this.#check(sealed)
      for (const one of sealed) await this.#writeChangelog(one, sealed)
      const committed = await this.#prepare(offsets)
      this.#check(sealed)
      if (committed.length > 0) await this.#membership.commit(committed)
    } finally {
      output.release()
    }
    // Of tasks that were lost meanwhile the new owner writes the state.
    for (const { task, offsets: own } of sealed) if (task.state !== 'closed') await task.persist(own)
    environment.emit?.({
      type: 'commit',
      stage: 'commit',
      reason,
      tasks: sealed.length,
      partitions: offsets.length,
      records: sealed.reduce((sum, one) => sum + one.records, 0),
      changelogRecords: changelog.reduce((sum, write) => sum + write.length, 0),
      durationMs: environment.clock.monotonic() - began,
    })
    if (changelog.length > 0) await this.#notePositions(sealed)
    return true
  }

  async #writeChangelog({ held, changelog }: SealedTask, sealed: readonly SealedTask[]): Promise<void> {
    for (const write of changelog) {
      await this.#membership.confirm(held)
      this.#check(sealed)
      await this.#options.writer.writeBatch(write)
      this.#check(sealed)
    }
  }

  /** Throws once the epoch of one of the tasks is over, or the commit was given up. */
  #check(sealed: readonly SealedTask[]): void {
    if (this.#failure !== undefined) throw this.#failure.error
    const closed = sealed.flatMap(({ task }) => (task.state === 'closed' ? [task.id] : []))
    if (closed.length > 0) throw abandoned(`its tasks ${closed.join(', ')} were taken away`)
  }

  async #prepare(offsets: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]> {
    const { signal } = new AbortController()
    const answers: (readonly OffsetCommit[])[] = []
    for (const participant of this.#options.participants) answers.push(await participant.prepare(offsets, signal))
    return lowestOffsets(offsets, answers)
  }

  /** Reads where the changelogs end now: what the next commit's local write says it holds at least. A failure only makes a later restore longer. */
  async #notePositions(sealed: readonly SealedTask[]): Promise<void> {
    const { environment } = this.#options
    const stores: ChangeloggedStore[] = []
    for (const { task, changelog } of sealed) {
      const topics = new Set(changelog.map((write) => write.topic))
      for (const entry of task.stores.all) if (topics.has(entry.topic)) stores.push(entry)
    }
    try {
      const ends = await environment.admin.endOffsets(
        stores.map(({ topic, partition }) => ({ topic, partition })),
        'read-uncommitted',
      )
      for (const entry of stores) {
        const end = ends.find(({ topic, partition }) => topic === entry.topic && partition === entry.partition)
        if (end !== undefined) entry.position = end.offset
      }
    } catch (error) {
      environment.logger.debug({ err: error }, 'the end of a changelog could not be read')
    }
  }
}
