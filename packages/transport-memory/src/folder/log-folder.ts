import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError, type Logger, type NewTopic, type OffsetCommit, type TopicPartition } from '@millrace/core'
import type { LogStorage, RestoredLog, RestoredTopic } from '../log/log-storage.ts'
import type { PartitionStorage } from '../log/partition-storage.ts'
import type { Durability } from '../memory-options.ts'
import { folderError } from './folder-error.ts'
import { FolderLock } from './folder-lock.ts'
import type { JournalEntry, JournaledTopic } from './journal-state.ts'
import { Journal, JOURNAL_FILE } from './journal.ts'
import { loadPartition, type LoadedPartition } from './load-partition.ts'
import { PartitionFiles } from './partition-files.ts'

const TOPICS_FOLDER = 'topics'
const TOPIC_FOLDER = /^\d+-/

export interface LogFolderOptions {
  readonly durability: Durability
  readonly logger: Logger
}

/**
 * A log in a folder: `journal.log` (everything but records), `topics/<id>-<name>/<partition>/<first offset>.log` (records), `lock-<n>`.
 * A transaction is committed by the journal; the partitions' own markers follow, and those that are missing are written at the next opening.
 */
export class LogFolder implements LogStorage {
  readonly restored: RestoredLog
  readonly #folder: string
  readonly #options: LogFolderOptions
  readonly #lock: FolderLock
  readonly #journal: Journal
  readonly #files = new Map<string, PartitionFiles[]>()
  readonly #unsynced = new Set<PartitionFiles>()

  private constructor(folder: string, options: LogFolderOptions, lock: FolderLock) {
    this.#folder = folder
    this.#options = options
    this.#lock = lock
    this.#journal = Journal.open(folder, options.logger)
    mkdirSync(join(folder, TOPICS_FOLDER), { recursive: true })
    this.#removeDeletedTopics()
    const { state } = this.#journal
    const decided = new Set(state.decided)
    state.decided.clear()
    const topics = [...state.topics.values()].map((topic) => this.#loadTopic(topic, decided))
    this.restored = { topics, offsets: state.offsets(), lastTransactionId: state.lastTransactionId }
    this.#journal.rewrite()
  }

  /** Opens the folder, making it if need be. Throws when another process has it, or when it holds something else. */
  static open(folder: string, options: LogFolderOptions): LogFolder {
    mkdirSync(folder, { recursive: true })
    refuseForeign(folder)
    const lock = FolderLock.acquire(folder)
    try {
      return new LogFolder(folder, options, lock)
    } catch (error) {
      lock.release()
      throw error
    }
  }

  #removeDeletedTopics(): void {
    const kept = new Set([...this.#journal.state.topics.values()].map(topicFolderName))
    for (const name of readdirSync(join(this.#folder, TOPICS_FOLDER))) {
      if (TOPIC_FOLDER.test(name) && !kept.has(name)) rmSync(join(this.#folder, TOPICS_FOLDER, name), { recursive: true, force: true })
    }
  }

  #loadTopic(topic: JournaledTopic, decided: ReadonlySet<number>): RestoredTopic {
    const files = this.#openFiles(topic)
    const partitions = files.map((own, partition) => this.#loadPartition(topic, { files: own, partition, decided }))
    return { name: topic.name, config: topic.config, partitions }
  }

  #loadPartition(
    topic: JournaledTopic,
    { files, partition, decided }: { readonly files: PartitionFiles; readonly partition: number; readonly decided: ReadonlySet<number> },
  ): LoadedPartition {
    const bounds = topic.bounds[partition] ?? { startOffset: 0, endOffset: 0 }
    const at = { topic: topic.name, partition }
    const { logger } = this.#options
    const loaded = loadPartition({ at, folder: this.#partitionFolder(topic, partition), files, bounds, decided, logger })
    this.#journal.state.sawTransaction(loaded.lastTransactionId)
    const { startOffset, endOffset } = loaded
    this.#journal.append({ type: 'start', topic: topic.name, partition, startOffset, endOffset })
    for (const path of loaded.obsoleteFiles) rmSync(path)
    return loaded
  }

  #openFiles(topic: JournaledTopic): PartitionFiles[] {
    const files = topic.bounds.map((_, partition) => {
      const folder = this.#partitionFolder(topic, partition)
      mkdirSync(folder, { recursive: true })
      return new PartitionFiles({
        at: { topic: topic.name, partition },
        folder,
        logger: this.#options.logger,
        syncFilled: this.#options.durability === 'disk',
        onWrite: (own) => this.#unsynced.add(own),
        onMarkerFailed: (transactionId) => this.#journal.state.decided.add(transactionId),
      })
    })
    this.#files.set(topic.name, files)
    return files
  }

  #partitionFolder(topic: JournaledTopic, partition: number): string {
    return join(this.#folder, TOPICS_FOLDER, topicFolderName(topic), String(partition))
  }

  createTopic({ topic, partitions, config = {} }: NewTopic): readonly PartitionStorage[] {
    this.#append('source', { type: 'topic', id: this.#journal.state.nextTopicId, name: topic, partitions, config })
    const journaled = this.#journal.state.topics.get(topic) as JournaledTopic
    return this.#openFiles(journaled)
  }

  deleteTopic(topic: string): void {
    const journaled = this.#journal.state.topics.get(topic)
    if (journaled === undefined) return
    this.#append('source', { type: 'topic-deleted', name: topic })
    for (const files of this.#files.get(topic) ?? []) {
      this.#unsynced.delete(files)
      files.close()
    }
    this.#files.delete(topic)
    rmSync(join(this.#folder, TOPICS_FOLDER, topicFolderName(journaled)), { recursive: true, force: true })
  }

  moveStart({ topic, partition }: TopicPartition, startOffset: number, endOffset: number): void {
    this.#append('source', { type: 'start', topic, partition, startOffset, endOffset })
  }

  commitOffsets(group: string, offsets: readonly OffsetCommit[]): void {
    // What the offsets stand for must not be less safe than they are.
    this.sync()
    this.#append('commit', { type: 'offsets', group, offsets })
    this.#syncDecision()
  }

  commitTransaction(id: number, offsets: ReadonlyMap<string, readonly OffsetCommit[]>): void {
    this.sync()
    this.#append('commit', { type: 'transaction', id, offsets: Array.from(offsets, ([group, own]) => ({ group, offsets: own })) })
    this.#syncDecision()
    // Stays decided only if a partition fails to write its marker.
    this.#journal.state.decided.delete(id)
  }

  /** A decision that is written but perhaps not safe can't be taken back: nothing may be written that contradicts it. */
  #syncDecision(): void {
    try {
      this.sync()
    } catch (error) {
      this.#closeFiles()
      throw error
    }
  }

  #append(stage: 'source' | 'commit', entry: JournalEntry): void {
    try {
      this.#journal.append(entry)
    } catch (cause) {
      const message = `A change could not be written to the journal in '${this.#folder}': ${String(cause)}.`
      throw new MillraceError('LOG_WRITE_FAILED', message, { stage, retryable: true, cause })
    }
  }

  sync(): void {
    if (this.#options.durability !== 'disk') return
    try {
      for (const files of this.#unsynced) files.sync()
      this.#journal.sync()
    } catch (cause) {
      const message = `The disk under '${this.#folder}' did not take what was written: ${String(cause)}.`
      throw new MillraceError('LOG_WRITE_FAILED', message, { stage: 'sink', cause })
    }
    this.#unsynced.clear()
  }

  #closeFiles(): void {
    for (const files of this.#files.values()) for (const own of files) own.close()
    this.#journal.close()
  }

  close(): void {
    this.#closeFiles()
    this.#lock.release()
  }
}

function topicFolderName({ id, name }: JournaledTopic): string {
  // The number makes it unique; names may be as long as a file system takes, and differ in case only.
  return `${id}-${name.slice(0, 200)}`
}

/** A folder without a journal is taken only if nothing else is in it: it might be somebody's. */
function refuseForeign(folder: string): void {
  const names = readdirSync(folder)
  if (names.includes(JOURNAL_FILE)) return
  const foreign = names.find((name) => !name.startsWith('lock-') && name !== 'journal.draft')
  if (foreign === undefined) return
  throw folderError(
    'FOLDER_NOT_EMPTY',
    `Folder '${folder}' holds '${foreign}' and no log: choose an empty or a new folder for the embedded log.`,
  )
}
