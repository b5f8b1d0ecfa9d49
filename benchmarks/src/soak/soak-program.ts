import { silentLogger } from '@millrace/core'
import { start } from '@millrace/runtime'
import { kafka } from '@millrace/transport-kafka'
import { collectGarbage } from '../harness/collect-garbage.ts'
import { countStore } from '../kafka/programs/millrace-topology.ts'
import { definitionOf } from '../kafka/programs/run-millrace.ts'
import type { SoakConfig, SoakMessage } from './soak-messages.ts'

const LOOK_MS = 1_000

/** One process that reads a topic to its end again and again, with the state of the times before, until its time is up. */
async function soak({ program, client, minutes }: SoakConfig): Promise<void> {
  const kind = { processors: 'batch', store: 'leveldb', client } as const
  const began = performance.now()
  const looking = setInterval(
    () => void tell({ type: 'memory', atMs: performance.now() - began, residentBytes: process.memoryUsage.rss() }),
    LOOK_MS,
  )
  for (let round = 1; ; round++) {
    const roundBegan = performance.now()
    const app = await start(definitionOf(program, kind))
    const running = app.run()
    await Promise.race([app.caughtUp(), running])
    const isLast = performance.now() - began >= minutes * 60_000
    let total = 0
    if (isLast) {
      for await (const page of app.store(countStore(kind, program.work), { whileRestoring: 'refuse' }).rangePages({}))
        for (const [, count] of page) total += count
    }
    await app.close()
    await running
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    await tell({ type: 'round', round, ms: performance.now() - roundBegan, liveBytes: heapUsed + external })
    if (isLast) {
      clearInterval(looking)
      await tell({ type: 'counted', total })
      return
    }
    await toTheBeginning(program)
  }
}

async function toTheBeginning({ brokers, applicationId, input, partitions }: SoakConfig['program']): Promise<void> {
  await using admin = await kafka({ brokers }).openAdmin({ logger: silentLogger })
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic: input, partition, offset: 0 }))
  await admin.commitOffsets?.(applicationId, all)
}

function tell(message: SoakMessage): Promise<void> {
  return new Promise((resolve, reject) => process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error))))
}

process.once('message', (config: SoakConfig) => void soak(config).then(() => process.disconnect()))
