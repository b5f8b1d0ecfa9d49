import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { rowsAfter, sinkKinds } from './support/sink-kinds.ts'

const AWAY_MS = 60_000

// They wait most of the time: side by side.
describe.concurrent.each(sinkKinds)('$name', (kind) => {
  test(
    'killed while inserting and away for a minute: every row is there once after its restart',
    { timeout: AWAY_MS + 120_000 },
    async () => {
      const server = await kind.open()
      try {
        await kind.create(server.url, 'killed')
        const after = await rowsAfter({ kind, server, table: 'killed' }, async (sink) => {
          await expect.poll(() => sink.metrics().total_events_inserted).toBeGreaterThan(200)
          await server.kill()
          await expect.poll(() => sink.metrics().open_circuits).toEqual(['killed'])
          await pause(AWAY_MS)
          await server.restart()
        })
        expect(after.ids).toEqual(after.expected)
        expect(after.metrics.batching.failed_batches).toBeGreaterThan(0)
      } finally {
        await server.stop()
      }
    },
  )
})
