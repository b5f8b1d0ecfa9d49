import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A link of a page that leads nowhere: `docs/stores.md:12: testing.md#nothing`. */
export type DeadLink = string

/** Links of a page to files, and to headings in them, that are not there. Links to the web are not followed. */
export async function deadLinks(root: string, page: string): Promise<DeadLink[]> {
  const dead: DeadLink[] = []
  const lines = withoutCode(await readFile(join(root, page), 'utf8')).split('\n')
  for (const [i, line] of lines.entries()) {
    for (const [, target = ''] of line.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path = '', heading] = target.split('#')
      const file = path === '' ? join(root, page) : join(root, dirname(page), path)
      const found = existsSync(file) && (heading === undefined || headingsOf(await readFile(file, 'utf8')).has(heading))
      if (!found) dead.push(`${page}:${i + 1}: ${target}`)
    }
  }
  return dead
}

/** As GitHub names them. */
function headingsOf(markdown: string): Set<string> {
  const names = new Set<string>()
  for (const [, title = ''] of withoutCode(markdown).matchAll(/^#+ +(.+)$/gm)) {
    const words = title.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    names.add(words.replaceAll(/\s/g, '-'))
  }
  return names
}

/** Keeps the lines, so that they can be counted. */
function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^( *`{3,}).*\n[\s\S]*?^\1 *$/gm, (block) => block.replaceAll(/[^\n]/g, ''))
}
