import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

/** A new folder below `parent` (default: the system's folder for such things) that is removed when it is disposed of. */
export async function temporaryStateFolder(parent: string = tmpdir()): Promise<{ readonly path: string } & AsyncDisposable> {
  await makeStateFolder(parent)
  try {
    const path = await mkdtemp(join(parent, 'word-count-'))
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
  } catch (error) {
    throw unusable(parent, error)
  }
}

/** Makes the folder if it is missing. Rejects with an error that names it. */
export async function makeStateFolder(path: string): Promise<void> {
  try {
    await makeFolder(resolve(path))
  } catch (error) {
    throw unusable(path, error)
  }
}

/** Folder by folder: Node's own `recursive` never returns where the system answers ENOENT whatever exists, such as in /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    await makeFolder(dirname(path))
    await mkdir(path)
  }
}

function unusable(path: string, error: unknown): Error {
  return new Error(`No state can be kept in folder '${path}'`, { cause: error })
}
