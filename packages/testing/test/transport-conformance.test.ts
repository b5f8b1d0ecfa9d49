import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memory } from '@millrace/transport-memory'
import type { Transport } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { transportConformance } from '../src/transport-conformance/transport-conformance.ts'

const limitMs = 4_000

describe('the embedded log', () => {
  transportConformance({ test, limitMs, factory: () => ({ transport: memory({ scrubReleased: true }) }) })
})

describe('the embedded log, delivering behind the back of its writers', () => {
  transportConformance({ test, limitMs, factory: () => ({ transport: memory({ faults: {} }) }) })
})

describe('the embedded log in a folder', () => {
  transportConformance({
    test,
    limitMs,
    factory: () => {
      const folder = mkdtempSync(join(tmpdir(), 'millrace-conformance-'))
      return { transport: memory({ folder }), close: async () => rmSync(folder, { recursive: true }) }
    },
  })
})

/** The embedded log without delivery reports. */
function withoutSend(): Transport {
  const transport = memory()
  return {
    name: 'lacking',
    openSource: (...args) => transport.openSource(...args),
    openAdmin: (...args) => transport.openAdmin(...args),
    openWriter: async (...args) => Object.assign(await transport.openWriter(...args), { send: undefined }),
  }
}

function casesOf(lacks: readonly 'delivery-reports'[]) {
  const cases: { readonly name: string; readonly run: () => Promise<void> }[] = []
  transportConformance({ test: (name, run) => cases.push({ name, run }), lacks, factory: () => ({ transport: withoutSend() }) })
  return cases.filter(({ name }) => name.startsWith('deliveries: '))
}

test('a transport without delivery reports fails every case of theirs, unless it says that it lacks them', async () => {
  const cases = casesOf([])
  expect(cases.length).toBeGreaterThan(5)
  for (const { run } of cases) await expect(run()).rejects.toThrow('the writer has a send')
  expect(casesOf(['delivery-reports'])).toEqual([])
})
