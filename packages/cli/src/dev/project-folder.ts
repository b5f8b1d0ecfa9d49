import { existsSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'

/** The folder of the package that a file belongs to; its own folder where it belongs to none. */
export function projectFolder(file: string): string {
  const own = dirname(file)
  for (let folder = own; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (folder === dirname(folder)) return own
  }
}

/** Whether a change there means nothing: what is installed, built up while it runs, or hidden. */
export function isUnwatched(path: string, project: string): boolean {
  return relative(project, path)
    .split(sep)
    .some((part) => part === 'node_modules' || part === 'state' || (part.startsWith('.') && part !== '.env' && part !== '..'))
}
