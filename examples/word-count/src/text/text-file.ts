import { open, type FileHandle } from 'node:fs/promises'
import { type Lines, LineSplitter } from './line-splitter.ts'

/** Read at a time. */
const PIECE_BYTES = 262_144
/** What the engine turns into one string and takes through one pass. */
const MAX_LINE_BYTES = 67_108_864

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'it may not be read',
  EPERM: 'it may not be read',
  ELOOP: 'its links go round in a circle',
  ENAMETOOLONG: 'its name is too long',
}

/** A text on disk, read piece by piece, so that it may be larger than memory. */
export class TextFile implements AsyncDisposable {
  readonly path: string
  /** Size when it was opened; 0 for what has none, such as a pipe. */
  readonly bytes: number
  readonly #handle: FileHandle

  private constructor(path: string, bytes: number, handle: FileHandle) {
    this.path = path
    this.bytes = bytes
    this.#handle = handle
  }

  /** Rejects with an error that names the file when it can't be read. */
  static async open(path: string): Promise<TextFile> {
    let handle: FileHandle | undefined
    try {
      handle = await open(path, 'r')
      const stats = await handle.stat()
      if (stats.isDirectory()) throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' })
      return new TextFile(path, stats.isFile() ? stats.size : 0, handle)
    } catch (error) {
      await handle?.close()
      throw unreadable(path, error)
    }
  }

  /** Its lines, as many at a time as one piece brings. Ends early, without an error, once `signal` is aborted. */
  async *lines(signal: AbortSignal): AsyncGenerator<Lines, void, void> {
    const splitter = new LineSplitter(MAX_LINE_BYTES)
    try {
      while (!signal.aborted) {
        const piece = Buffer.allocUnsafe(PIECE_BYTES)
        const { bytesRead } = await this.#handle.read(piece, 0, PIECE_BYTES)
        const lines = bytesRead === 0 ? splitter.end() : splitter.push(piece.subarray(0, bytesRead))
        if (lines.starts.length > 0) yield lines
        if (bytesRead === 0) return
      }
    } catch (error) {
      throw unreadable(this.path, error)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close()
  }
}

function unreadable(path: string, error: unknown): Error {
  const { code = '', message } = error as NodeJS.ErrnoException
  return new Error(`File '${path}' can't be counted: ${REASONS[code] ?? message}.`)
}
