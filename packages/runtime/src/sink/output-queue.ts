import type { RecordWriter, WriteBatch } from '@millrace/core'
import type { PassOutput } from './sink-output.ts'
import { writeNamed } from './write-named.ts'

/** Raised in whoever waits for a queue that was given up because writing failed. */
export class OutputQueueClosed extends Error {
  override readonly name = 'OutputQueueClosed'
}

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Whose output it is. */
export interface OutputOwner {
  readonly state: string
}

interface Entry {
  readonly write: WriteBatch
  readonly bytes: number
  readonly owner: OutputOwner
}

/**
 * What finished passes want written, in order, one call to the writer in flight. A commit puts a barrier into it: what was queued before is
 * written, what comes after waits until the commit has answered. What is still queued of a task that was closed is dropped: its offsets are never
 * committed, and another owner may be writing already. Bounded: passes wait for room before they begin.
 */
export class OutputQueue {
  readonly #writer: RecordWriter
  readonly #maxBytes: number
  readonly #onFailure: (error: unknown) => void
  #entries: (Entry | { readonly barrier: Waiter })[] = []
  #bytes = 0
  /** Who wrote what is with the writer and not committed. */
  readonly #owners = new Set<OutputOwner>()
  #pumping = false
  #held = false
  #closed: Error | undefined
  #roomWaiters: Waiter[] = []

  constructor(writer: RecordWriter, maxBytes: number, onFailure: (error: unknown) => void) {
    this.#writer = writer
    this.#maxBytes = maxBytes
    this.#onFailure = onFailure
  }

  /** Whether passes have to wait before they begin. */
  get full(): boolean {
    return this.#bytes >= this.#maxBytes
  }

  /** Whose output was handed to the writer since the last commit. */
  get owners(): ReadonlySet<OutputOwner> {
    return this.#owners
  }

  /** The same, with those whose output waits to be. */
  get allOwners(): ReadonlySet<OutputOwner> {
    const all = new Set(this.#owners)
    for (const entry of this.#entries) if ('owner' in entry) all.add(entry.owner)
    return all
  }

  /** Queues what one pass of `owner` wrote. */
  append(output: PassOutput, owner: OutputOwner): void {
    if (output.writes.length === 0 || this.#closed !== undefined) return
    const share = output.bytes / output.writes.length
    for (const write of output.writes) this.#entries.push({ write, bytes: share, owner })
    this.#bytes += output.bytes
    this.#start()
  }

  /** Resolves when the queue is no longer full; rejects when it was given up. */
  async room(): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed
    if (!this.full) return
    await new Promise<void>((resolve, reject) => this.#roomWaiters.push({ resolve, reject }))
  }

  /** Resolves when all that was queued before has been accepted by the writer; from then on nothing is written until `release`. */
  barrier(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) reject(this.#closed)
      else {
        this.#entries.push({ barrier: { resolve, reject } })
        this.#start()
      }
    })
  }

  /** The commit has answered: writing goes on. */
  release(): void {
    this.#held = false
    this.#owners.clear()
    this.#start()
  }

  /** Drops what is queued and rejects whoever waits. */
  close(reason: unknown): void {
    if (this.#closed !== undefined) return
    this.#closed = new OutputQueueClosed('Output is no longer accepted: its writer was given up.', { cause: reason })
    const entries = this.#entries
    this.#entries = []
    this.#bytes = 0
    for (const entry of entries) if ('barrier' in entry) entry.barrier.reject(this.#closed)
    this.#wakeRoom()
  }

  #start(): void {
    if (!this.#pumping) void this.#pump()
  }

  async #pump(): Promise<void> {
    this.#pumping = true
    try {
      while (!this.#held && this.#closed === undefined) {
        const entry = this.#entries.shift()
        if (entry === undefined) break
        if ('barrier' in entry) {
          this.#held = true
          entry.barrier.resolve()
        } else {
          if (entry.owner.state !== 'closed') {
            this.#owners.add(entry.owner)
            await writeNamed(this.#writer, entry.write)
          }
          this.#bytes = Math.max(0, this.#bytes - entry.bytes)
          if (!this.full) this.#wakeRoom()
        }
      }
    } catch (error) {
      if (this.#closed === undefined) {
        this.close(error)
        this.#onFailure(error)
      }
    } finally {
      this.#pumping = false
    }
  }

  #wakeRoom(): void {
    const waiters = this.#roomWaiters
    this.#roomWaiters = []
    for (const waiter of waiters) {
      if (this.#closed !== undefined) waiter.reject(this.#closed)
      else waiter.resolve()
    }
  }
}
