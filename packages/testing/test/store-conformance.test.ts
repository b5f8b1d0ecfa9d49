import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { completeBackend } from '@millrace/core'
import { openLevelDb } from '@millrace/store-leveldb'
import { MemoryStoreBackend } from '@millrace/store-memory'
import { describe, test } from 'vitest'
import { storeConformance } from '../src/store-conformance/store-conformance.ts'
import { mapBackend, remoteBackend } from './support/single-operation-backends.ts'

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

describe('a backend of single operations, completed', () => {
  storeConformance({ test, factory: () => ({ open: async () => completeBackend(mapBackend()) }) })
})

describe('a backend of single operations that answers later, completed', () => {
  storeConformance({
    test,
    factory: () => {
      const contents = new Map<string, Uint8Array>()
      return { open: async () => completeBackend(remoteBackend(contents)) }
    },
  })
})
