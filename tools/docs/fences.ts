/** A fenced block of a Markdown page. `line` is that of its first line of code, counted from 1. */
export interface Fence {
  readonly page: string
  readonly line: number
  /** What follows the opening fence, split at blanks: the language first. */
  readonly info: readonly string[]
  readonly code: string
}

/** The fenced blocks of a page, in order. Throws at a fence that is never closed, which would swallow the rest of the page. */
export function fencesOf(page: string, markdown: string): Fence[] {
  const fences: Fence[] = []
  const lines = markdown.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const opening = /^(?<indent> *)(?<ticks>`{3,})(?<info>.*)$/.exec(lines[at] ?? '')?.groups
    if (opening === undefined) continue
    const { indent = '', ticks = '', info = '' } = opening
    const end = lines.findIndex((line, i) => i > at && line.trim() === ticks)
    if (end < 0) throw new Error(`${page}:${at + 1}: this block is never closed.`)
    fences.push({
      page,
      line: at + 2,
      info: info.split(/\s+/).filter((word) => word !== ''),
      code: lines
        .slice(at + 1, end)
        .map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line))
        .join('\n'),
    })
    at = end
  }
  return fences
}
