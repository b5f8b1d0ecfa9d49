import { readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** How long what was set aside is kept. */
const KEPT_MS = 7 * 86_400_000
const INFIX = '.set-aside-'

/** Whether a folder of that name was set aside. */
export function isSetAside(name: string): boolean {
  return name.includes(INFIX)
}

/** Gives a folder another name; returns it. A store that keeps nothing on disk has none, which is fine. */
export async function setAside(folder: string, now: number): Promise<string | undefined> {
  for (let time = now; ; time++) {
    const aside = `${folder}${INFIX}${time}`
    try {
      await rename(folder, aside)
      return aside
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return undefined
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
    }
  }
}

/** Removes what was set aside of `folder` long ago; returns what is gone. What can't be removed stays, and is tried again next time. */
export async function removeLongAside(folder: string, now: number): Promise<string[]> {
  const prefix = basename(folder) + INFIX
  const names = await readdir(dirname(folder)).catch(() => [])
  const old = names.filter(
    (name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)) && now - Number(name.slice(prefix.length)) > KEPT_MS,
  )
  const folders = old.map((name) => join(dirname(folder), name))
  const removed: string[] = []
  for (const aside of folders) {
    const gone = await rm(aside, { recursive: true, force: true }).then(
      () => true,
      () => false,
    )
    if (gone) removed.push(aside)
  }
  return removed
}
