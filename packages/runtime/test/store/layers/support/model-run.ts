import assert from 'node:assert/strict'
import { bytesAt, serdes } from '@millrace/core'
import type { SealedChanges } from '../../../../src/store/layers/store-layers.ts'
import type { OpenedStore } from './open-store.ts'
import type { Command } from './store-commands.ts'
import { iterated, StoreModel, type Where } from './store-model.ts'

type Entry = readonly [string, number]

interface Iteration {
  readonly pages: AsyncIterator<readonly Entry[]>
  readonly expected: readonly Entry[]
  readonly seen: Entry[]
}

/** Does everything to a store and to the model of it, and holds one to the other. */
export class ModelRun {
  readonly #opened: OpenedStore<string, number>
  readonly #model = new StoreModel()
  /** What a changelog of all commits would restore. */
  #changelog: ReadonlyMap<string, number> = new Map()
  /** The same with the commit that is under way. */
  #changelogThen = this.#changelog
  #commits = 0
  #persisting: Promise<void> | undefined
  #reads: Promise<void>[] = []
  #iterations: Iteration[] = []

  constructor(opened: OpenedStore<string, number>) {
    this.#opened = opened
  }

  async run(commands: readonly Command[]): Promise<void> {
    for (const command of commands) await this.#do(command)
    await this.#end()
  }

  async #do(command: Command): Promise<void> {
    const { store, batchHandle: handle } = this.#opened
    const model = this.#model
    switch (command.type) {
      case 'begin':
        if (model.inPass) return
        store.begin()
        return model.begin()
      case 'succeed':
        await this.#awaitReads()
        store.succeed()
        return model.succeed()
      case 'rollback':
        await this.#awaitReads()
        store.rollback()
        return model.rollback()
      case 'keep':
        if (!model.inPass) return
        await this.#awaitReads()
        store.keep()
        return model.keep()
      case 'undo':
        if (!model.inPass) return
        await this.#awaitReads()
        store.undo()
        return model.undo()
      case 'seal':
        if (!model.isSealed && this.#persisting === undefined) this.#seal()
        return
      case 'start-persist':
        if (model.isSealed) this.#persisting ??= this.#opened.store.persist(Uint8Array.of(this.#commits))
        return
      case 'await-persist':
        return this.#awaitPersist()
      case 'discard':
        await this.#awaitReads()
        store.discard()
        // What is being written can't be called back.
        if (this.#persisting !== undefined) await this.#awaitPersist()
        return model.discard()
      case 'await-reads':
        return this.#awaitReads()
      case 'set':
        if (!model.inPass) return
        handle.set(command.key, command.value)
        return model.set(command.key, command.value)
      case 'set-batch':
        if (!model.inPass) return
        handle.setBatch(command.entries)
        for (const [key, value] of command.entries) model.set(key, value)
        return
      case 'get-then-set-batch':
        await this.#getBatch(command.keys)
        if (!model.inPass) return
        handle.delete(command.between)
        model.delete(command.between)
        handle.setBatch({ keys: command.keys, values: command.keys.map((_, i) => command.value + i) })
        for (const [i, key] of command.keys.entries()) model.set(key, command.value + i)
        return
      case 'update-batch':
        if (!model.inPass) return
        return this.#updateBatch(command.keys)
      case 'start-update-batch':
        if (model.inPass) this.#reads.push(this.#updateBatch(command.keys))
        return
      case 'delete':
        if (!model.inPass) return
        handle.delete(command.key)
        return model.delete(command.key)
      case 'delete-batch':
        if (!model.inPass) return
        handle.deleteBatch(command.keys)
        for (const key of command.keys) model.delete(key)
        return
      case 'get':
        if ('get' in handle) assert.equal(this.#opened.handle.get(command.key), model.seen.get(command.key))
        return
      case 'get-batch':
        return this.#getBatch(command.keys)
      case 'start-get-batch':
        this.#reads.push(this.#getBatch(command.keys))
        return
      case 'iterate':
        return this.#iterate(command.where, command.pageSize)
      case 'start-iteration':
        return this.#startIteration(command.where, command.pageSize)
      case 'read-page':
        for (const iteration of this.#iterations) await this.#readPage(iteration)
    }
  }

  /** Nothing may be left of a run that was not looked at. */
  async #end(): Promise<void> {
    const { store, committed } = this.#opened
    await this.#awaitReads()
    while (this.#iterations.length > 0) await this.#do({ type: 'read-page' })
    store.succeed()
    this.#model.succeed()
    await this.#finishCommit()
    this.#seal()
    await this.#finishCommit()
    const entries = iterated(this.#model.seen, {})
    assert.deepEqual(await this.#read({}, 3), entries)
    assert.deepEqual(iterated(this.#changelog, {}), entries)
    const pages: Entry[] = []
    for await (const page of committed.rangePages({})) pages.push(...page)
    assert.deepEqual(pages, entries)
    store.discard()
    const keys = entries.map(([key]) => key)
    assert.deepEqual(
      await this.#opened.batchHandle.getBatch(keys),
      entries.map(([, value]) => value),
    )
    assert.equal(store.uncommittedBytes + store.attemptBytes, 0)
  }

  #seal(): void {
    const changes = this.#opened.store.seal()
    const entries = this.#model.seal()
    this.#commits++
    this.#changelogThen = changes === undefined ? this.#changelog : replayed(this.#changelog, changes)
    assert.deepEqual(iterated(this.#changelogThen, {}), iterated(entries, {}))
  }

  async #finishCommit(): Promise<void> {
    await this.#do({ type: 'start-persist' })
    await this.#awaitPersist()
  }

  async #awaitPersist(): Promise<void> {
    if (this.#persisting === undefined) return
    await this.#persisting
    this.#persisting = undefined
    this.#model.persisted()
    this.#changelog = this.#changelogThen
    const metadata = await this.#opened.store.metadata()
    assert.equal(metadata?.[0], this.#commits & 255)
  }

  async #awaitReads(): Promise<void> {
    const reads = this.#reads
    this.#reads = []
    await Promise.all(reads)
  }

  async #getBatch(keys: readonly string[]): Promise<void> {
    const expected = keys.map((key) => this.#model.seen.get(key))
    assert.deepEqual(await this.#opened.batchHandle.getBatch(keys), expected)
  }

  async #updateBatch(keys: readonly string[]): Promise<void> {
    const model = this.#model
    const expected: number[] = []
    // Whatever happened while it waited: what it reads is what is there when it changes it.
    const update = (value: number | undefined, i: number) => {
      const key = keys[i] as string
      assert.equal(value, model.seen.get(key))
      const made = ((value ?? 0) * 2 + i) % 1_000
      model.set(key, made)
      expected.push(made)
      return made
    }
    assert.deepEqual(await this.#opened.batchHandle.updateBatch(keys, update), expected)
  }

  async #iterate(where: Where, pageSize: number): Promise<void> {
    const expected = iterated(this.#model.seen, where)
    assert.deepEqual(await this.#read(where, pageSize), expected)
  }

  async #startIteration(where: Where, pageSize: number): Promise<void> {
    const iteration = { pages: this.#pages(where, pageSize), expected: iterated(this.#model.seen, where), seen: [] }
    this.#iterations.push(iteration)
    await this.#readPage(iteration)
  }

  async #readPage(iteration: Iteration): Promise<void> {
    const step = await iteration.pages.next()
    if (step.done !== true) {
      iteration.seen.push(...step.value)
      return
    }
    this.#iterations = this.#iterations.filter((other) => other !== iteration)
    assert.deepEqual(iteration.seen, iteration.expected)
  }

  async #read(where: Where, pageSize: number): Promise<Entry[]> {
    const entries: Entry[] = []
    const pages = this.#pages(where, pageSize)
    for (let step = await pages.next(); step.done !== true; step = await pages.next()) entries.push(...step.value)
    return entries
  }

  #pages(where: Where, pageSize: number): AsyncIterator<readonly Entry[]> {
    const { batchHandle } = this.#opened
    const pages = where.prefix === undefined ? batchHandle.rangePages(where, pageSize) : batchHandle.prefixPages(where.prefix, pageSize)
    return pages[Symbol.asyncIterator]()
  }
}

/** What a changelog restores after some more records. A commit has one for each key. */
function replayed(before: ReadonlyMap<string, number>, { length, keys, values }: SealedChanges): ReadonlyMap<string, number> {
  const after = new Map(before)
  const seen = new Set<string>()
  for (let i = 0; i < length; i++) {
    const key = Buffer.from(bytesAt(keys, i) as Uint8Array).toString()
    assert.ok(!seen.has(key), 'a key comes once')
    seen.add(key)
    const value = bytesAt(values, i)
    if (value === null) after.delete(key)
    else after.set(key, serdes.int32.deserialize(value, 0, value.byteLength))
  }
  return after
}
