import { fsyncSync, openSync, closeSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '@millrace/core'
import { AppendFile } from './append-file.ts'
import { folderError } from './folder-error.ts'
import { frameOf, scanFrames } from './frame.ts'
import { JournalState, type JournalEntry } from './journal-state.ts'

export const JOURNAL_FILE = 'journal.log'
const DRAFT_FILE = 'journal.draft'

/** The journal is written anew when it has grown to this size, and to this multiple of what it was when last written anew. */
const REWRITE_BYTES = 4 * 1024 * 1024
const REWRITE_FACTOR = 8

/** Topics, starts, committed offsets and decisions: the part of the log that is not records, as a file of changes. */
export class Journal {
  readonly state: JournalState
  readonly #folder: string
  readonly #logger: Logger
  #file: AppendFile
  #rewrittenSize: number
  #closed = false

  private constructor(folder: string, state: JournalState, logger: Logger) {
    this.#folder = folder
    this.#logger = logger
    this.state = state
    this.#file = this.#rewritten()
    this.#rewrittenSize = this.#file.size
  }

  /** Reads a folder's journal, or begins one. */
  static open(folder: string, logger: Logger): Journal {
    const state = new JournalState()
    for (const entry of readEntries(folder, logger)) state.apply(entry)
    return new Journal(folder, state, logger)
  }

  append(entry: JournalEntry): void {
    if (this.#closed) throw new Error('the journal has been closed')
    this.#file.append(encode(entry))
    this.state.apply(entry)
    if (this.#file.size > Math.max(REWRITE_BYTES, this.#rewrittenSize * REWRITE_FACTOR)) this.#tryRewrite()
  }

  /** The entry is kept whether the shorter journal can be written or not. */
  #tryRewrite(): void {
    try {
      this.rewrite()
    } catch (error) {
      this.#rewrittenSize = this.#file.size
      this.#logger.warn({ folder: this.#folder, err: error }, 'The journal could not be shortened')
    }
  }

  /** Replaces the file by the shortest one that says the same. */
  rewrite(): void {
    const old = this.#file
    this.#file = this.#rewritten()
    this.#rewrittenSize = this.#file.size
    old.close()
  }

  #rewritten(): AppendFile {
    const draft = join(this.#folder, DRAFT_FILE)
    writeFileSync(draft, Buffer.concat(this.state.entries().map(encode)))
    // Synced whatever the folder's durability: a file system may do the renaming before the writing, and then everything would be gone.
    syncPath(draft)
    const path = join(this.#folder, JOURNAL_FILE)
    renameSync(draft, path)
    return new AppendFile(path)
  }

  sync(): void {
    if (!this.#closed) this.#file.sync()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#file.close()
  }
}

function encode(entry: JournalEntry): Buffer {
  return frameOf(Buffer.from(JSON.stringify(entry)))
}

function readEntries(folder: string, logger: Logger): JournalEntry[] {
  const path = join(folder, JOURNAL_FILE)
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  const { payloads, wholeBytes, rest } = scanFrames(bytes)
  const entries = payloads.map((payload) => JSON.parse(payload.toString()) as JournalEntry)
  const [first] = entries
  if (first?.type !== 'format' || first.version !== 1) {
    throw folderError(
      'FOLDER_FORMAT',
      `'${path}' is not a journal of this version of Millrace: keep the folder for the version that wrote it, or choose another.`,
    )
  }
  if (rest === 'corrupt') {
    throw folderError('LOG_CORRUPT', `'${path}' is damaged at byte ${wholeBytes}: restore the folder from a copy, or choose another.`)
  }
  if (rest === 'torn') {
    logger.warn(
      { path, keptBytes: wholeBytes, cutBytes: bytes.length - wholeBytes },
      'Cut off what a killed process had not finished writing',
    )
  }
  return entries
}

function syncPath(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
