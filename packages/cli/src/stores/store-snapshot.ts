import { copyFile, link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Files that LevelDB never changes once they are written. */
const UNCHANGING = /\.(ldb|sst)$/

export interface SnapshotOptions {
  /** A folder on the same disk, which need not be writable. */
  readonly beside: string
  /** Aborted: nothing more is copied, and what was copied is taken away. */
  readonly stop: AbortSignal
}

/**
 * A copy of a closed store's folder, which may be opened without a trace in the original: an open database writes to its folder. Where the disk can, what never
 * changes is not copied but linked, so that it costs little however large the store is.
 */
export class StoreSnapshot implements AsyncDisposable {
  readonly folder: string
  readonly #root: string

  private constructor(root: string) {
    this.#root = root
    this.folder = join(root, 'store')
  }

  static async of(store: string, { beside, stop }: SnapshotOptions): Promise<StoreSnapshot> {
    stop.throwIfAborted()
    const root = await mkdtemp(join(beside, '.millrace-snapshot-')).catch(() => mkdtemp(join(tmpdir(), 'millrace-snapshot-')))
    const snapshot = new StoreSnapshot(root)
    try {
      await mkdir(snapshot.folder)
      for (const entry of await readdir(store, { withFileTypes: true })) {
        stop.throwIfAborted()
        if (!entry.isFile()) continue
        const [from, to] = [join(store, entry.name), join(snapshot.folder, entry.name)]
        const linked = UNCHANGING.test(entry.name) && (await link(from, to).then(yes, no))
        if (!linked) await copyFile(from, to)
      }
      return snapshot
    } catch (error) {
      await snapshot[Symbol.asyncDispose]()
      throw new Error(`'${dirname(store)}' can't be read`, { cause: error })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#root, { recursive: true, force: true })
  }
}

const yes = () => true
const no = () => false
