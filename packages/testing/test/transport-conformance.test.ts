import { memory } from '@millrace/transport-memory'
import { describe, test } from 'vitest'
import { transportConformance } from '../src/transport-conformance/transport-conformance.ts'

describe('the embedded log', () => {
  transportConformance({ test, limitMs: 4_000, factory: () => ({ transport: memory({ scrubReleased: true }) }) })
})
