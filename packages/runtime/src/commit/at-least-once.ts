import type { CommitParticipant, OffsetCommit, RecordSource } from '@millrace/core'
import type { OutputQueue } from '../sink/output-queue.ts'
import type { ChangeloggedStore } from '../store/task-stores.ts'
import type { SealedTask } from '../task/sealed-task.ts'
import type { Task } from '../task/task.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import type { CommitCoordinator, CommitReason } from './commit-coordinator.ts'
import { lowestOffsets } from './lowest-offsets.ts'

export interface AtLeastOnceOptions {
  readonly environment: TaskEnvironment
  readonly source: RecordSource
  readonly output: OutputQueue
  /** Who must be durable before offsets are: the writer first, then sinks outside. */
  readonly participants: readonly CommitParticipant[]
}

/**
 * Seal, then make output and changelogs durable, then commit the offsets, then write local state. So no offset is ever ahead of what it
 * stands for, and the local store is never ahead of the changelog. What passes write meanwhile waits until the commit has answered.
 */
export class AtLeastOnceCoordinator implements CommitCoordinator {
  readonly #options: AtLeastOnceOptions
  #failure: { readonly error: unknown } | undefined

  constructor(options: AtLeastOnceOptions) {
    this.#options = options
  }

  async commit(tasks: readonly Task[], reason: CommitReason): Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure.error
    try {
      return await this.#commitNow(tasks, reason)
    } catch (error) {
      this.#failure = { error }
      this.#options.output.close(error)
      throw error
    }
  }

  async #commitNow(tasks: readonly Task[], reason: CommitReason): Promise<boolean> {
    const { environment, source, output, participants } = this.#options
    const began = environment.clock.monotonic()
    const sealed: SealedTask[] = []
    for (const task of tasks) {
      const taken = task.seal()
      if (taken !== undefined) sealed.push(taken)
    }
    if (sealed.length === 0) return false
    const offsets = sealed.flatMap((one) => one.offsets)
    const changelog = sealed.flatMap((one) => one.changelog)
    output.append({ writes: changelog, bytes: 0 })
    try {
      const committed = await this.#prepare(participants, offsets)
      if (committed.length > 0) await source.commit(committed)
    } finally {
      output.release()
    }
    for (const one of sealed) await one.task.stores.persist(one.offsets)
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

  async #prepare(participants: readonly CommitParticipant[], offsets: readonly OffsetCommit[]): Promise<readonly OffsetCommit[]> {
    const { signal } = new AbortController()
    const answers: (readonly OffsetCommit[])[] = []
    for (const participant of participants) answers.push(await participant.prepare(offsets, signal))
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
