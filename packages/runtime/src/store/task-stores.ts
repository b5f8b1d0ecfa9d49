import { type AnyStoreDefinition, MillraceError, type OffsetCommit, partitionKey, TaskClosedError, type WriteBatch } from '@millrace/core'
import type { TaskEnvironment } from '../task/task-environment.ts'
import { type ChangeloggedStore, changelogKind, changelogOf } from './changelogged-store.ts'
import { DroppedWindows } from './dropped-windows.ts'
import { openTaskStore, type TaskStore } from './layers/task-store.ts'
import { InputPositions } from './input-positions.ts'
import { removeLongAside, setAside } from './set-aside.ts'
import { checkEmpty, metadataOf } from './store-metadata.ts'
import { decodePositions, encodePositions, inputBeyond, type StorePositions } from './store-positions.ts'

type GuardedTime = { guard: () => void; timestamp: () => number }

/** All stores of one task. */
export class TaskStores {
  readonly #environment: TaskEnvironment
  readonly #task: string
  readonly #partition: number
  readonly #definitions: readonly AnyStoreDefinition[]
  #access: GuardedTime = { guard: () => undefined, timestamp: () => -1 }
  #stores: readonly ChangeloggedStore[] = []
  /** How far the stores are in the inputs, and those without a changelog by what they say of themselves: known once they are open. */
  readonly inputs = new InputPositions()
  /** What opens a backend: `close` waits for it, so that no lock is left behind. */
  #opening: Promise<void> = Promise.resolve()
  #begun = false
  readonly #dropped: DroppedWindows
  /** Aborted when it is closed. */
  readonly #closing = new AbortController()
  /** Lets others have the folders. */
  #letGo: () => void = () => undefined

  constructor(environment: TaskEnvironment, task: string, partition: number, definitions: readonly AnyStoreDefinition[]) {
    this.#environment = environment
    this.#task = task
    this.#partition = partition
    this.#definitions = definitions
    this.#dropped = new DroppedWindows(environment, task)
  }

  /** How many stores the task has, open or not. */
  get count(): number {
    return this.#definitions.length
  }

  /** What they are called. */
  get names(): readonly string[] {
    return this.#definitions.map(({ name }) => name)
  }

  get all(): readonly ChangeloggedStore[] {
    return this.#stores
  }

  /** Those that are restored from a changelog. */
  get restorable(): readonly ChangeloggedStore[] {
    return this.#stores.filter(({ kind }) => kind !== 'none')
  }

  /** Whether some have no changelog: then reading goes on where those are, see `inputs`. */
  get hasUnlogged(): boolean {
    return this.#definitions.some(({ changelog }) => changelog === false)
  }

  /**
   * Opens every store and finds out how far its local entries go. What can't be used (damaged, of another topic, ahead of the committed input
   * offsets) is set aside, never deleted, and restored from the changelog. Rejects with a `TaskClosedError` if it is closed before that is done.
   * `standby` gives the stores that somebody has opened for this task before: those are used.
   */
  open(committed: readonly OffsetCommit[], standby?: () => Promise<TaskStores | undefined>): Promise<void> {
    if (!this.#begun) this.#opening = this.#openAll(committed, standby)
    this.#begun = true
    return this.#opening
  }

  /** Opens every store as `open` does, for a task that is elsewhere: nobody knows what it has committed, and what its stores say of that stays. */
  openStandby(): Promise<void> {
    this.#opening = this.#openAll(undefined)
    return this.#opening
  }

  async #openAll(committed: readonly OffsetCommit[] | undefined, standby?: () => Promise<TaskStores | undefined>): Promise<void> {
    this.#checkOpen()
    await this.#hold()
    this.inputs.begin(committed ?? [])
    const stores: ChangeloggedStore[] = []
    this.#stores = stores
    const opened = await standby?.()
    if (opened !== undefined) {
      // First of all, so that they are closed with these.
      stores.push(...opened.#stores)
      opened.#stores = []
      this.#access = opened.#access
      for (const entry of [...stores]) await this.#takeOver(entry, committed ?? [])
    }
    for (const definition of this.#definitions.filter((one) => !stores.some((entry) => entry.definition === one))) {
      stores.push(await this.#openOne(definition, committed))
      this.#checkOpen()
    }
    this.inputs.goOnFromOwn()
  }

  async #takeOver(entry: ChangeloggedStore, committed: readonly OffsetCommit[]): Promise<void> {
    this.#checkOpen()
    const beyond = this.#whyBeyond(entry.topic, entry.inputs, committed)
    if (beyond === undefined) entry.inputs = this.inputs.offsets
    else await this.#renew(entry, beyond)
    this.#checkOpen()
  }

  /** From now on operations of users are checked by `guard`, and what they write gets `timestamp()`. */
  attach(guard: () => void, timestamp: () => number): void {
    this.#access.guard = guard
    this.#access.timestamp = timestamp
  }

  /** `timestamp`: of changes made through it. Default: what `attach` was given. */
  handle(name: string, timestamp?: () => number): unknown {
    const found = this.#stores.find(({ definition }) => definition.name === name)
    if (found === undefined) throw new TypeError(`Task ${this.#task} has no store '${name}'.`)
    return timestamp === undefined ? found.store.handle : found.store.handleAt(timestamp)
  }

  /** A pass, punctuator or `init` begins: changes from now on belong to it. */
  begin(): void {
    for (const { store } of this.#stores) store.begin()
  }

  /** It ended well: its changes wait for the next commit. */
  succeed(): void {
    for (const { store } of this.#stores) store.succeed()
  }

  /** It failed: its changes are gone. */
  rollback(): void {
    for (const { store } of this.#stores) store.rollback()
  }

  /** A part of the pass under way is done: `undo` leaves it alone. */
  keep(): void {
    for (const { store } of this.#stores) store.keep()
  }

  /** A part of the pass failed: what it has changed is gone. */
  undo(): void {
    for (const { store } of this.#stores) store.undo()
  }

  /** Serialised bytes of state that wait for a commit. */
  get uncommittedBytes(): number {
    let bytes = 0
    for (const { store } of this.#stores) bytes += store.uncommittedBytes
    return bytes
  }

  /** Whether something was taken by `seal` that is not written yet. */
  get sealed(): boolean {
    return this.#stores.some(({ sealed }) => sealed)
  }

  /** Takes what finished passes changed: the changelog records that a commit has to write. */
  seal(): WriteBatch[] {
    const writes: WriteBatch[] = []
    for (const entry of this.#stores) {
      const changes = entry.store.seal()
      if (changes === undefined) continue
      entry.sealed = true
      if (entry.kind !== 'own') continue
      const { length, keys, values, timestamps } = changes
      const partitions = new Int32Array(length).fill(entry.partition)
      writes.push({ topic: entry.topic, length, keys, values, timestamps, partitions })
    }
    return writes
  }

  /** What the commit stands for is durable, its offsets are not committed yet: writes what has no changelog, so that it is never behind them. */
  async persistUnlogged(offsets: readonly OffsetCommit[]): Promise<void> {
    await this.#persist(offsets, ({ kind }) => kind === 'none')
  }

  /** The commit is confirmed: writes what was sealed to disk, in one piece with the positions it corresponds to. */
  async persist(offsets: readonly OffsetCommit[]): Promise<void> {
    await this.#persist(offsets, ({ kind }) => kind !== 'none')
  }

  async #persist(offsets: readonly OffsetCommit[], which: (entry: ChangeloggedStore) => boolean): Promise<void> {
    this.inputs.moveTo(offsets)
    for (const entry of this.#stores) {
      // Without a changelog the position in the input counts, be there a change or not.
      const moved = entry.kind === 'none' && offsets.length > 0
      if (!which(entry) || !(entry.sealed || moved)) continue
      entry.upToDateAt = this.#environment.clock.now()
      if (entry.kind === 'source') entry.position = this.inputs.offsets[partitionKey(entry.topic, entry.partition)]
      await entry.store.persist(this.metadata(entry))
      entry.sealed = false
    }
    this.#dropped.tell(this.#stores)
  }

  /** All that was processed is committed and persisted, and this task is about to be closed: notes that its stores lack nothing of their changelogs. */
  async noteUpToDate(): Promise<void> {
    for (const entry of this.#stores) {
      if (!entry.sealed) entry.upToDateAt = this.#environment.clock.now()
    }
    await this.notePositions()
  }

  /** Writes what is known of the stores now, and no entries. */
  async notePositions(): Promise<void> {
    for (const entry of this.#stores) {
      if (!entry.sealed && entry.position !== undefined) await entry.store.restore([], this.metadata(entry))
    }
  }

  /** What is stored beside the entries of one store, which hold its changelog up to `position`. */
  metadata(
    { topic, partition, topicId, upToDateAt, inputs, position: known, store, kind }: ChangeloggedStore,
    position = known,
  ): Uint8Array {
    return encodePositions({
      unlogged: kind === 'none' ? true : undefined,
      inputIds: kind === 'none' ? this.inputs.ids : undefined,
      layout: store.layout === '' ? undefined : store.layout,
      streamTime: store.streamTime,
      changelogTopic: topic,
      changelogPartition: partition,
      changelogId: topicId,
      changelogPosition: position ?? 0,
      upToDateAt,
      inputs,
    })
  }

  /** Begins all stores anew: see `renew`. */
  async beginAnew(reason: string): Promise<void> {
    for (const entry of this.#stores) await this.renew(entry, reason)
    this.inputs.forgetOwn()
  }

  /** Begins a store anew, with nothing in it; what it holds is set aside. Only before the store is used. */
  renew(entry: ChangeloggedStore, reason: string): Promise<void> {
    this.#opening = this.#renew(entry, reason)
    return this.#opening
  }

  /** Waits for what is being opened. Who opens these stores next waits for it, however long it takes. */
  close(): Promise<void> {
    this.#closing.abort()
    const closing = this.#close()
    this.#environment.closing.add(this.#task, closing)
    return closing
  }

  async #close(): Promise<void> {
    await Promise.allSettled([this.#opening])
    for (const { definition, store } of this.#stores) {
      try {
        store.discard()
        await store.close()
      } catch (error) {
        this.#environment.logger.warn({ task: this.#task, store: definition.name, err: error }, 'a store failed to close')
      }
    }
    this.#letGo()
    this.#letGo = () => undefined
  }

  /** Waits until whoever has the folders, here or in another thread, has closed what is in them. */
  async #hold(): Promise<void> {
    const { holdTask, closing } = this.#environment
    const before = closing.ended(this.#task, this.#closing.signal)
    if (before !== undefined) {
      await before
      this.#checkOpen()
    }
    if (holdTask === undefined || this.count === 0) return
    try {
      this.#letGo = await holdTask(this.#task, this.#closing.signal)
    } finally {
      this.#checkOpen()
    }
  }

  #checkOpen(): void {
    if (this.#closing.signal.aborted) throw new TaskClosedError(this.#task)
  }

  async #renew(entry: ChangeloggedStore, reason: string): Promise<void> {
    this.#checkOpen()
    await entry.store.close()
    entry.store = await this.#openEmpty(entry.definition, reason)
    entry.topicId = undefined
    entry.position = undefined
    entry.upToDateAt = undefined
    entry.inputs = this.inputs.offsets
    this.#checkOpen()
  }

  async #openOne(definition: AnyStoreDefinition, committed: readonly OffsetCommit[] | undefined): Promise<ChangeloggedStore> {
    const kind = changelogKind(definition)
    const topic = changelogOf(definition, this.#environment.definition.applicationId)
    const entry = (store: TaskStore, position: number | undefined): ChangeloggedStore => ({
      definition,
      store,
      kind,
      topic,
      partition: this.#partition,
      topicId: undefined,
      position,
      upToDateAt: undefined,
      inputs: this.inputs.offsets,
      sealed: false,
    })
    await this.#removeLongAside(definition)
    let store: TaskStore
    try {
      store = await this.#backend(definition)
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === 'STORE_CORRUPT')) throw error
      return entry(await this.#openEmpty(definition, error.message), undefined)
    }
    const stored = await metadataOf(store)
    if (stored === undefined) return entry(store, undefined)
    const positions = decodePositions(stored)
    const unusable =
      positions && (this.#whyUnusable(topic, positions, kind === 'none' ? 'any' : committed) ?? otherLayout(store.layout, positions.layout))
    if (positions !== undefined && unusable === undefined) {
      const { changelogPosition, changelogId: topicId, upToDateAt } = positions
      const inputs = committed === undefined ? positions.inputs : this.inputs.offsets
      if (kind === 'none') this.inputs.noteOwn(positions.inputs, positions.inputIds)
      store.hasStreamTime(positions.streamTime)
      return { ...entry(store, changelogPosition), topicId, upToDateAt, inputs }
    }
    await store.close()
    const foreign = 'it was not written by this application, or by a version that is not known here'
    return entry(await this.#openEmpty(definition, unusable ?? foreign), undefined)
  }

  /** `committed`: undefined while nobody knows; `any` where the store goes on from where it is. */
  #whyUnusable(topic: string, positions: StorePositions, committed: readonly OffsetCommit[] | 'any' | undefined): string | undefined {
    if (positions.changelogTopic !== topic || positions.changelogPartition !== this.#partition)
      return `it belongs to changelog ${positions.changelogTopic}-${positions.changelogPartition}, not to ${topic}-${this.#partition}`
    if (committed === 'any') return undefined
    if (positions.unlogged === true) return 'it was kept without a changelog, which the store has now: its entries are not there'
    return committed && this.#whyBeyond(topic, positions.inputs, committed)
  }

  #whyBeyond(topic: string, inputs: StorePositions['inputs'], committed: readonly OffsetCommit[]): string | undefined {
    const beyond = inputBeyond(inputs, committed)
    return beyond === undefined
      ? undefined
      : `it holds the effect of input that the group has not committed (${beyond}): were the group's offsets reset? If the input is to be ` +
          `counted anew, delete the changelog topic '${topic}' too`
  }

  /** Opens a store that is closed with nothing in it: what it holds is set aside. */
  async #openEmpty(definition: AnyStoreDefinition, reason: string): Promise<TaskStore> {
    const aside = await this.#setAside(definition, reason)
    const store = await this.#backend(definition)
    await checkEmpty(store, { name: definition.name, task: this.#task, reason, aside })
    return store
  }

  #backend(definition: AnyStoreDefinition): Promise<TaskStore> {
    return openTaskStore({
      definition,
      folder: this.#environment.storeFolder(this.#task, definition.name),
      cacheBytes: this.#environment.definition.stateCacheBytes,
      guard: () => this.#access.guard(),
      timestamp: () => this.#access.timestamp(),
    })
  }

  async #removeLongAside({ name }: AnyStoreDefinition): Promise<void> {
    const { clock, logger, storeFolder } = this.#environment
    const removed = await removeLongAside(storeFolder(this.#task, name), clock.now())
    for (const folder of removed)
      logger.info({ task: this.#task, store: name, folder }, 'local state that was set aside long ago was removed')
  }

  async #setAside(definition: AnyStoreDefinition, reason: string): Promise<string | undefined> {
    const folder = this.#environment.storeFolder(this.#task, definition.name)
    const aside = await setAside(folder, this.#environment.clock.now())
    const then =
      definition.changelog === false ? 'it has no changelog to be restored from, and begins empty' : 'it is restored from its changelog'
    this.#environment.logger.error(
      { task: this.#task, store: definition.name, folder: aside, reason },
      `local state of store '${definition.name}' can't be used and was set aside; ${then}. The folder is kept for a week`,
    )
    return aside
  }
}

function otherLayout(layout: string, stored = ''): string | undefined {
  if (layout === stored) return undefined
  const [here, there] = [layout, stored].map((one) => (one === '' ? 'a key-value store' : `'${one}'`))
  return `it is laid out as ${there}, and the store is ${here} now`
}
