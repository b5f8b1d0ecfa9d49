import { existsSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'

/** The folder of the package that a file belongs to; its own folder where it belongs to none. */
export function projectFolder(file: string): string {
  const own = dirname(file)
  for (let folder = own; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (folder === dirname(folder)) return own
  }
}

/** Code, and what says how it is run. Other files may be what it writes, or what is written of it. */
const SOURCE = /\.[cm]?[jt]sx?$|^package\.json$|^tsconfig.*\.json$|^\.env$/

/** Whether a change there means nothing: what is installed, built up while it runs, hidden, or a file that is no source. */
export function isUnwatched(path: string, project: string, isFile: boolean): boolean {
  const parts = relative(project, path).split(sep)
  const isKeptOut = parts.some(
    (part) => part === 'node_modules' || part === 'state' || (part.startsWith('.') && part !== '.env' && part !== '..'),
  )
  return isKeptOut || (isFile && !SOURCE.test(basename(path)))
}
