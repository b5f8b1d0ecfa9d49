import { type Serde, serdes } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelRun } from './support/model-run.ts'
import { type BackendKind, openStore } from './support/open-store.ts'
import { commands } from './support/store-commands.ts'

/** The same bytes, but nothing is known of them: keys are told apart by their bytes, values are decoded each time. */
const plainString: Serde<string> = { name: 'plain', serialize: serdes.string.serialize, deserialize: serdes.string.deserialize }
const plainInt32: Serde<number> = { name: 'plain', serialize: serdes.int32.serialize, deserialize: serdes.int32.deserialize }

const RUNS: Record<BackendKind, number> = { memory: 400, leveldb: 60, slow: 60 }

describe.each(['memory', 'leveldb', 'slow'] as const)('a store over the backend %s', (backend) => {
  test('holds what a plain map would, whatever is done to it in whatever order', { timeout: 60_000 }, async () => {
    const known = fc.record({ key: fc.boolean(), value: fc.boolean() })
    const cacheBytes = fc.constantFrom(0, 2_500, 1_000_000)
    await fc.assert(
      fc.asyncProperty(commands, known, cacheBytes, async (sequence, { key, value }, cache) => {
        const types = { key: key ? serdes.string : plainString, value: value ? serdes.int32 : plainInt32 }
        await using opened = await openStore({ ...types, backend, cacheBytes: cache })
        await new ModelRun(opened).run(sequence)
        expect(opened.store.uncommittedBytes).toBe(0)
      }),
      { numRuns: RUNS[backend] },
    )
  })
})
