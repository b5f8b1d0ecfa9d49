import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Answer, text } from './answer.ts'

const FILES = {
  '': { name: 'index.html', type: 'text/html; charset=utf-8' },
  'dashboard.js': { name: 'dashboard.js', type: 'text/javascript; charset=utf-8' },
  'dashboard.css': { name: 'dashboard.css', type: 'text/css; charset=utf-8' },
} as const

/** The files of the dashboard, as the package's build has made them. They hold no data: that needs the token. */
export class DashboardFiles {
  readonly #answers: ReadonlyMap<string, Answer>

  private constructor(answers: ReadonlyMap<string, Answer>) {
    this.#answers = answers
  }

  /** Those of the package's build, the same from its sources; undefined if it was not built. */
  static open(folder = fileURLToPath(new URL('../../dist/dashboard/', import.meta.url))): DashboardFiles | undefined {
    const all = Object.entries(FILES)
    if (!all.every(([, { name }]) => existsSync(join(folder, name)))) return undefined
    return new DashboardFiles(new Map(all.map(([path, { name, type }]) => [path, text(readFileSync(join(folder, name), 'utf8'), type)])))
  }

  find(path: readonly string[]): Answer | undefined {
    return path.length === 1 ? this.#answers.get(path[0] as string) : undefined
  }
}
