import { type OffsetCommit, partitionKey } from '@millrace/core'
import { offsetsByPartition } from '../internal/offsets-by-partition.ts'
import { type OutputQueue, OutputQueueClosed } from '../sink/output-queue.ts'
import type { ChangeloggedStore } from '../store/changelogged-store.ts'
import type { SealedTask } from '../task/sealed-task.ts'
import type { Task } from '../task/task.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'
import { abandoned } from './abandoned.ts'
import type { CommitProtocol } from './commit-protocol.ts'
import { type CommitReason, isWaitedFor } from './commit-reason.ts'

export interface CommitCoordinatorOptions {
  readonly environment: TaskEnvironment
  /** What passes write, on its way to the writer. */
  readonly output: OutputQueue
  readonly protocol: CommitProtocol
}

/**
 * Makes what finished passes did durable, hiding the processing guarantee from everything else. Seal, then commit as the guarantee does, then write
 * local state: the local store is never ahead of the changelog. What passes write meanwhile waits until the commit has answered. A commit ends
 * where it is as soon as one of its tasks is closed: the partitions may have got another owner, or come back with another epoch, while something was
 * waited for. After a rejection nobody knows what took effect: the tasks are recovered.
 */
export class CommitCoordinator {
  readonly #options: CommitCoordinatorOptions
  #failure: { readonly error: unknown } | undefined
  #since: number

  constructor(options: CommitCoordinatorOptions) {
    this.#options = options
    this.#since = options.environment.clock.monotonic()
  }

  /** When the last commit was confirmed, or else when this was made, by the monotonic clock: what was done since then is not committed. */
  get since(): number {
    return this.#since
  }

  /**
   * Commits what `tasks` have finished; resolves when it is confirmed and local state is written: to false if there was nothing. One at a time.
   * After a rejection every later call rejects too: what was sealed may be lost, and nothing may be committed past it.
   */
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

  /** Before tasks are made anew: see {@link CommitProtocol.confirm}. */
  confirm(held: OffsetCommit): Promise<void> {
    return this.#options.protocol.confirm(held)
  }

  /** Its writer is given up: a commit that is under way goes no step further, and rejects, as every later one. */
  abandon(reason: unknown): void {
    this.#failure ??= { error: reason ?? abandoned('its writer was closed') }
  }

  async #commitNow(tasks: readonly Task[], reason: CommitReason): Promise<boolean> {
    const { environment, output, protocol } = this.#options
    const began = environment.clock.monotonic()
    const putOut = protocol.commitsOutput ? output.allOwners : undefined
    const sealed: SealedTask[] = []
    for (const task of tasks) {
      const taken = task.seal(putOut?.has(task) === true)
      if (taken !== undefined) sealed.push(taken)
    }
    if (sealed.length === 0 && !this.#withdraws()) return false
    let stored: ReadonlyMap<string, number> = new Map()
    try {
      // At once, before any pass can end: what is queued now belongs to what is sealed now.
      await output.barrier()
      this.#check(sealed)
      const committed = await this.#protocolCommit(sealed, reason)
      for (const { task } of sealed) task.offsets.confirmed(committed)
      environment.onCommitted(committed)
      stored = offsetsByPartition(committed)
      this.#since = environment.clock.monotonic()
    } finally {
      output.release()
    }
    const noted = this.#notePositions(sealed)
    await persisted(sealed, stored)
    environment.emit?.({
      type: 'commit',
      stage: 'commit',
      reason,
      tasks: sealed.length,
      partitions: sealed.reduce((sum, { offsets }) => sum + offsets.length, 0),
      records: sealed.reduce((sum, { records }) => sum + records, 0),
      changelogRecords: sealed.flatMap(({ changelog }) => changelog).reduce((sum, write) => sum + write.length, 0),
      durationMs: environment.clock.monotonic() - began,
    })
    // Not before the local write: what comes with that is only known of a process that is sure to have been a member still, as it is at its next commit.
    const note = await noted
    note()
    return true
  }

  async #protocolCommit(sealed: readonly SealedTask[], reason: CommitReason): Promise<readonly OffsetCommit[]> {
    const { environment, protocol } = this.#options
    const { clock, definition } = environment
    const late = new AbortController()
    // The other half is for the commit itself.
    const cancel = clock.after(definition.revokeTimeoutMs / 2, () => late.abort())
    try {
      const urgency = { flush: isWaitedFor(reason), ending: reason === 'drain', signal: late.signal }
      return await protocol.commit(sealed, () => this.#check(sealed), urgency)
    } finally {
      cancel()
    }
  }

  /** Throws once the epoch of one of the tasks is over, or the commit was given up. */
  #check(sealed: readonly SealedTask[]): void {
    if (this.#failure !== undefined) throw this.#failure.error
    const closed = sealed.flatMap(({ task }) => (task.state === 'closed' ? [task.id] : []))
    if (closed.length > 0) throw abandoned(`its tasks ${closed.join(', ')} were taken away`)
    if (this.#withdraws()) throw abandoned('it would have committed output of tasks that were taken away')
  }

  /** Whether there is output to be committed of tasks that are over: of it nothing may be seen. */
  #withdraws(): boolean {
    const { protocol, output } = this.#options
    return protocol.commitsOutput && [...output.owners].some(({ state }) => state === 'closed')
  }

  /**
   * Reads where the changelogs end now; resolves to what notes it, for the next commit's local write to say that it holds as much at least. Never rejects: a
   * failure only makes a later restore longer.
   */
  async #notePositions(sealed: readonly SealedTask[]): Promise<() => void> {
    const { environment } = this.#options
    const stores: ChangeloggedStore[] = []
    for (const { task, changelog } of sealed) {
      const topics = new Set(changelog.map((write) => write.topic))
      for (const entry of task.stores.all) if (topics.has(entry.topic)) stores.push(entry)
    }
    if (stores.length === 0) return () => undefined
    try {
      const ends = await environment.admin.endOffsets(
        stores.map(({ topic, partition }) => ({ topic, partition })),
        'read-uncommitted',
      )
      return () => {
        for (const entry of stores) {
          const end = ends.find(({ topic, partition }) => topic === entry.topic && partition === entry.partition)
          if (end !== undefined) entry.position = end.offset
        }
      }
    } catch (error) {
      environment.logger.debug({ err: error }, 'the end of a changelog could not be read')
      return () => undefined
    }
  }
}

/** Writes local state of all tasks at once, each with the offset that is stored of it. Rejects when all have ended, if any failed. */
async function persisted(sealed: readonly SealedTask[], stored: ReadonlyMap<string, number>): Promise<void> {
  const writes = sealed.map(async ({ task, offsets }) => {
    // Of tasks that were lost meanwhile the new owner writes the state.
    if (task.state === 'closed') return
    // What a sink outside of the log holds back is not committed: a restart reads it again.
    await task.persist(
      offsets.flatMap((at) => {
        const offset = stored.get(partitionKey(at.topic, at.partition))
        return offset === undefined ? [] : { ...at, offset }
      }),
    )
  })
  await Promise.allSettled(writes)
  await Promise.all(writes)
}
