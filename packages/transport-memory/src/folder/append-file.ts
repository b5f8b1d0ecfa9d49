import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'

/** A file that grows at its end, a whole piece at a time or not at all. */
export class AppendFile {
  readonly #fd: number
  #size: number
  /** A piece was written in part and could not be taken back: what follows it would be unreadable. */
  #broken: Error | undefined

  /** Opens the file, creating it if need be, and cuts it to `size` bytes if that is given. */
  constructor(path: string, size?: number) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644)
    if (size !== undefined) ftruncateSync(this.#fd, size)
    this.#size = size ?? fstatSync(this.#fd).size
  }

  get size(): number {
    return this.#size
  }

  append(bytes: Uint8Array): void {
    if (this.#broken !== undefined) throw this.#broken
    let written = 0
    try {
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written, bytes.length - written, this.#size + written)
    } catch (error) {
      this.#takeBack()
      throw error
    }
    this.#size += bytes.length
  }

  #takeBack(): void {
    try {
      ftruncateSync(this.#fd, this.#size)
    } catch (cause) {
      this.#broken = new Error('A write that failed half-way could not be taken back.', { cause })
    }
  }

  /** Returns when the disk has it. */
  sync(): void {
    fsyncSync(this.#fd)
  }

  close(): void {
    closeSync(this.#fd)
  }
}
