import { mkdir } from 'node:fs/promises'
import { MillraceError, type OpenStoreOptions, type StoreBackend } from '@millrace/core'
import { checkFolder, checkFormat, checkKept, checkTables } from './leveldb-contents.ts'
import { openFailed } from './leveldb-errors.ts'
import { LevelDbStoreBackend } from './leveldb-store-backend.ts'

/** How a database is opened. */
export interface LevelDbOptions {
  /** Memory for blocks read from disk, in bytes, for each store of each task. Default: 8 MiB. */
  readonly cacheSize?: number | undefined
  /** Memory for changes before they are sorted into a file, in bytes. Default: 4 MiB. */
  readonly writeBufferSize?: number | undefined
  /** Compress blocks with Snappy. Default: true. */
  readonly compression?: boolean | undefined
  /**
   * Compare the sums of all that is on disk when a store is opened, which takes about two seconds a gigabyte and finds what was changed there; without it
   * such damage may go unnoticed, or end the process. Default: true.
   */
  readonly verify?: boolean | undefined
}

/**
 * Opens, or creates, the database in `folder`. Rejects with `STORE_LOCKED`, with `STORE_CORRUPT` for damaged or foreign contents, or with
 * `STORE_OPEN_FAILED`.
 */
export async function openLevelDb({ folder }: OpenStoreOptions, options: LevelDbOptions = {}): Promise<StoreBackend> {
  const { ClassicLevel } = await import('classic-level')
  try {
    await mkdir(folder, { recursive: true })
    await checkFolder(folder)
    const { cacheSize, writeBufferSize, compression, verify = true } = options
    const unfinished = verify ? await checkTables(folder) : []
    const database = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
    await database.open({
      ...(cacheSize === undefined ? {} : { cacheSize }),
      ...(writeBufferSize === undefined ? {} : { writeBufferSize }),
      ...(compression === undefined ? {} : { compression }),
    })
    try {
      await checkKept(folder, unfinished)
      return new LevelDbStoreBackend({ database, folder, lastWrite: await checkFormat(database, folder) })
    } catch (error) {
      await database.close()
      throw error
    }
  } catch (error) {
    throw error instanceof MillraceError ? error : openFailed(folder, error)
  }
}
