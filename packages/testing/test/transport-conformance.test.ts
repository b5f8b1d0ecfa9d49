import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memory } from '@millrace/transport-memory'
import { describe, test } from 'vitest'
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
