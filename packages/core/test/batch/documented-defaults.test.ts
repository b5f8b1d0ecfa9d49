import { readFile } from 'node:fs/promises'
import { BATCH_PRESETS, DEFAULT_BATCH_POLICY, DEFAULT_MEMORY_BUDGET_BYTES, RECORD_MEMORY_BYTES, resolveBatchPolicy } from '@millrace/core'
import { beforeAll, describe, expect, it } from 'vitest'

let page = ''
beforeAll(async () => {
  page = await readFile(new URL('../../../../docs/batching.md', import.meta.url), 'utf8')
})

/** The cells of the tables under a heading, a row each, without the rows that name and underline columns. */
function rowsUnder(heading: string): string[][] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )
}

function valueOf(cell: string): unknown {
  const number = /^(?<digits>[\d,]+)(?<unit> MiB)?$/.exec(cell)?.groups
  if (number !== undefined) return Number(number['digits']?.replaceAll(',', '')) * (number['unit'] === undefined ? 1 : 1_048_576)
  return cell === 'true' || cell === 'false' ? cell === 'true' : cell
}

function asDocumented(rows: readonly string[][]): Record<string, unknown> {
  return Object.fromEntries(rows.map(([name, value]): [string, unknown] => [name as string, valueOf(value as string)]))
}

describe('docs/batching.md', () => {
  it('states every default as it is', () => {
    expect(asDocumented(rowsUnder('Options'))).toEqual({
      preset: 'none',
      ...DEFAULT_BATCH_POLICY,
      memoryBudgetBytes: DEFAULT_MEMORY_BUDGET_BYTES,
    })
  })

  it('states what the presets are', () => {
    const documented = rowsUnder('Presets').map(([name, size, timeoutMs, maxRetries]) => [
      name,
      { size: valueOf(size as string), timeoutMs: valueOf(timeoutMs as string), maxRetries: valueOf(maxRetries as string) },
    ])
    expect(Object.fromEntries(documented)).toEqual(BATCH_PRESETS)
  })

  it('states which limits each strategy has, and whether it waits', () => {
    const rows = rowsUnder('Strategies')
    expect(rows.map(([strategy]) => strategy)).toEqual(['immediate', 'size', 'time', 'bytes', 'hybrid', 'memory', 'adaptive'])
    const hybrid = rows.find(([strategy]) => strategy === 'hybrid')?.[1] ?? ''
    for (const [strategy, cell, waits] of rows) {
      const policy = resolveBatchPolicy([{ strategy: strategy as 'size' }])
      const limits = strategy === 'adaptive' ? hybrid : (cell as string)
      const named = (['size', 'timeoutMs', 'maxBytes'] as const).filter((limit) => new RegExp(`\\b${limit}\\b`).test(limits))
      expect([strategy, (['size', 'timeoutMs', 'maxBytes'] as const).filter((limit) => policy[limit] < Infinity)]).toEqual([
        strategy,
        named,
      ])
      expect([strategy, policy.waitWhenIdle ? 'yes' : 'no']).toEqual([strategy, waits])
    }
  })

  it('states what a record is taken to cost', () => {
    expect(page).toContain(`serialised bytes and ${RECORD_MEMORY_BYTES} bytes more`)
  })
})
