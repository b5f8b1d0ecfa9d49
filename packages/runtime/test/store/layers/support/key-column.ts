import type { KeyColumn } from '../../../../src/store/layers/slot-table.ts'

/** Keys as a column. */
export function keyColumn(...keys: readonly (string | number)[]): KeyColumn {
  const all = keys.map((key) => Buffer.from(String(key)))
  const ends = all.map((_, i) => all.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0))
  return { length: all.length, bytes: Buffer.concat(all), starts: [0, ...ends.slice(0, -1)], ends }
}
