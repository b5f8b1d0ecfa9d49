import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelDb } from '@millrace/store-leveldb'
import { MemoryStoreBackend } from '@millrace/store-memory'
import { describe, test } from 'vitest'
import { storeConformance } from '../src/store-conformance/store-conformance.ts'

describe('the store in memory', () => {
  storeConformance({ test, factory: () => ({ open: async () => new MemoryStoreBackend() }) })
})

describe('the store on LevelDB', () => {
  storeConformance({
    test,
    damageable: true,
    factory: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'millrace-store-'))
      return {
        open: () => openLevelDb({ name: 'store', folder }),
        damage: () => writeFile(join(folder, 'CURRENT'), 'no manifest at all'),
        remove: () => rm(folder, { recursive: true }),
      }
    },
  })
})
