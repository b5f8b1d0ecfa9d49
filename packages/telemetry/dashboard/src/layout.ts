import type { Live } from './live.ts'

export interface Place {
  readonly x: number
  readonly y: number
}

export const BOX = { width: 190, height: 54, gapX: 90, gapY: 26 } as const

export interface Layout {
  readonly places: ReadonlyMap<string, Place>
  readonly width: number
  readonly height: number
}

/** Columns by the longest way from a source, sub-topologies below each other; in a column, near to what a node comes from. */
export function layoutOf({ nodes, edges }: Live['graph']): Layout {
  const places = new Map<string, Place>()
  const parents = new Map<string, string[]>()
  for (const { from, to } of edges) parents.set(to, [...(parents.get(to) ?? []), from])
  let top = 0
  let columns = 0
  for (const index of new Set(nodes.map((node) => node.subTopology))) {
    const own = nodes.filter((node) => node.subTopology === index)
    const depth = depths(
      own.map((node) => node.name),
      parents,
    )
    const byColumn: string[][] = []
    for (const { name } of own) (byColumn[depth.get(name) ?? 0] ??= []).push(name)
    let rows = 0
    for (const [column, names] of byColumn.entries()) {
      const wanted = new Map(names.map((name) => [name, meanY(parents.get(name) ?? [], places)]))
      names.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0))
      for (const [row, name] of names.entries())
        places.set(name, { x: column * (BOX.width + BOX.gapX), y: top + row * (BOX.height + BOX.gapY) })
      rows = Math.max(rows, names.length)
    }
    top += rows * (BOX.height + BOX.gapY) + BOX.gapY
    columns = Math.max(columns, byColumn.length)
  }
  return { places, width: Math.max(1, columns * (BOX.width + BOX.gapX) - BOX.gapX), height: Math.max(1, top - 2 * BOX.gapY) }
}

function depths(names: readonly string[], parents: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const found = new Map<string, number>()
  // Nodes come parents first.
  for (const name of names) found.set(name, Math.max(0, ...(parents.get(name) ?? []).map((parent) => (found.get(parent) ?? 0) + 1)))
  return found
}

function meanY(names: readonly string[], places: ReadonlyMap<string, Place>): number {
  const ys = names.flatMap((name) => places.get(name)?.y ?? [])
  return ys.length === 0 ? 0 : ys.reduce((sum, y) => sum + y, 0) / ys.length
}
