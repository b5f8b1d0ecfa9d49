import { type AppHealth, type KeyLocation, serdes, TopologyBuilder } from '@millrace/core'
import { inMemory } from '@millrace/store-memory'
import { expect, test } from 'vitest'
import { StoreRoutes } from '../../src/http/store-routes.ts'
import type { ObservedApp } from '../../src/observed-app.ts'

const pair = { key: serdes.string, value: serdes.string }
const plain = inMemory.keyValueStore({ name: 'plain', ...pair })
const windows = inMemory.windowStore({ name: 'windows', ...pair, windowSizeMs: 60_000, retentionMs: 3_600_000 })

/** Routes to an application that has no key, and says that it is elsewhere. */
function routes(state: AppHealth['state'], member: KeyLocation['member']) {
  const builder = new TopologyBuilder('t')
  builder.source('in', { topics: ['in'], ...pair }).process('p', () => undefined, { stores: [plain, windows] })
  const app = {
    health: () => ({ state }),
    store: () => ({ get: async () => undefined }),
    inspect: { locate: async () => ({ task: '0_1', partition: 1, here: false, member }) },
  } as unknown as ObservedApp
  return new StoreRoutes({ topology: builder.build(), app: () => app })
}

const other = { clientId: 'other', host: '10.0.0.2', address: '10.0.0.2:9464' }

test('a key of another process is answered with where it is, and with "later" while that may change', async () => {
  const ask = (state: AppHealth['state'], member: KeyLocation['member']) => routes(state, member).query('plain', 'k', new URLSearchParams())
  await expect(ask('running', other)).rejects.toMatchObject({ status: 421, more: { address: '10.0.0.2:9464' } })
  await expect(ask('rebalancing', other)).rejects.toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
  await expect(ask('running', undefined)).rejects.toMatchObject({ status: 503 })
})

test.each([
  ['windows', 'prefix=a'],
  ['windows', 'prefixBase64=YQ'],
  ['plain', 'prefix=a&reverse=true'],
  ['plain', 'prefix=a&from=b'],
])('what would have no effect is refused: %s?%s', async (store, query) => {
  await expect(routes('running', other).query(store, undefined, new URLSearchParams(query))).rejects.toMatchObject({ status: 400 })
})
