import { rm } from 'node:fs/promises'
import { silentLogger } from '@millrace/core'
import { start } from '@millrace/runtime'
import { kafka } from '@millrace/transport-kafka'
import { collectGarbage } from '../harness/collect-garbage.ts'
import { countStore } from '../kafka/programs/millrace-topology.ts'
import { STORE } from '../kafka/programs/program-config.ts'
import { definitionOf } from '../kafka/programs/run-millrace.ts'
import type { SoakConfig, SoakMessage } from './soak-messages.ts'

const LOOK_MS = 1_000

/** One process that reads a topic to its end again and again, each time as an application that has no state yet, until its time is up. */
async function soak({ program, client, minutes }: SoakConfig): Promise<void> {
  const kind = { processors: 'batch', store: 'leveldb', client } as const
  const began = performance.now()
  const looking = setInterval(
    () => void tell({ type: 'memory', atMs: performance.now() - began, residentBytes: process.memoryUsage.rss() }),
    LOOK_MS,
  )
  const isOver = () => performance.now() - began >= minutes * 60_000
  for (let round = 1; round === 1 || !isOver(); round++) {
    const roundBegan = performance.now()
    const applicationId = `${program.applicationId}-${round}`
    const app = await start(definitionOf({ ...program, applicationId }, kind))
    const running = app.run()
    await Promise.race([app.caughtUp(), running])
    const ms = performance.now() - roundBegan
    let counted = 0
    for await (const page of app.store(countStore(kind, program.work), { whileRestoring: 'refuse' }).rangePages({}))
      for (const [, count] of page) counted += count
    await app.close()
    await running
    await removed(program, applicationId)
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    await tell({ type: 'round', round, ms, counted, liveBytes: heapUsed + external })
  }
  clearInterval(looking)
}

/** What an application leaves. */
async function removed({ brokers, stateDir }: SoakConfig['program'], applicationId: string): Promise<void> {
  await using admin = await kafka({ brokers }).openAdmin({ logger: silentLogger })
  await admin.deleteTopics([`${applicationId}-${STORE}-changelog`])
  await rm(stateDir, { recursive: true, force: true })
}

function tell(message: SoakMessage): Promise<void> {
  return new Promise((resolve, reject) => process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error))))
}

process.once('message', (config: SoakConfig) => void soak(config).then(() => process.disconnect()))
