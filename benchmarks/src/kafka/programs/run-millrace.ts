import { type AppDefinition, type RuntimeEvent, silentLogger } from '@millrace/core'
import { type App, start } from '@millrace/runtime'
import { kafka } from '@millrace/transport-kafka'
import { benchmarkTopology, countStore, type MillraceKind } from './millrace-topology.ts'
import { isStateless, type ProgramConfig } from './program-config.ts'
import { programConfig, Stopwatch } from './stopwatch.ts'
import { writeState } from './write-state.ts'

/** As the loops by hand: at most so many at once, and what is there is taken at once. */
const BATCH = { size: 10_000, maxBytes: 16_777_216, waitWhenIdle: false }

/** What is run, but for how it is watched. */
export function definitionOf(config: ProgramConfig, kind: MillraceKind): AppDefinition {
  const { applicationId, brokers, stateDir, guarantee, commitIntervalMs, work } = config
  return {
    topology: benchmarkTopology(config, countStore(kind, work), kind.processors),
    applicationId,
    stateDir,
    processingGuarantee: guarantee,
    transport: kafka({ brokers, client: kind.client ?? 'confluent' }),
    batch: BATCH,
    commit: { intervalMs: commitIntervalMs },
    logger: silentLogger,
    threads: kind.threads,
  }
}

/** The whole program. */
export async function runMillrace(kind: MillraceKind): Promise<void> {
  const config = programConfig()
  const { work, stateFile } = config
  const watched = watch(config)
  const app = await start({ ...definitionOf(config, kind), observer: watched.observer })
  const running = app.run()
  await Promise.race([watched.done(app), running])
  // What is restored begins to run a moment later.
  await app.idle()
  if (!isStateless(work)) await writeState(stateFile, entriesOf(app.store(countStore(kind, work), { whileRestoring: 'refuse' })))
  await app.close()
  await running
}

/** Times an application by what it tells. */
function watch(config: ProgramConfig) {
  const { work, records, partitions } = config
  const stopwatch = new Stopwatch(config)
  let cut = 0
  let committed = 0
  let restored = 0
  let end: () => void = () => undefined
  let allCut: () => void = () => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))
  const everythingCut = new Promise<void>((resolve) => (allCut = resolve))
  const finish = () => {
    stopwatch.done()
    end()
  }
  return {
    observer: (event: RuntimeEvent): void => {
      if (work === 'restore') {
        if (event.type !== 'restore') return
        if (event.phase === 'started') stopwatch.read()
        else if (event.phase === 'completed' && ++restored === partitions) finish()
      } else if (event.type === 'cut') {
        stopwatch.read(event.ageMs)
        cut += event.records
        if (cut === records) allCut()
      } else if (event.type === 'commit') {
        committed += event.records
        if (committed === records) finish()
      }
    },
    /** Commits with the last record, so that the interval between commits does not count. */
    async done(app: App): Promise<void> {
      if (work !== 'restore') {
        await everythingCut
        await app.idle()
        await app.commit()
      }
      await ended
    },
  }
}

interface Pages {
  rangePages(options: object): AsyncIterable<readonly (readonly [string, number])[]>
}

async function* entriesOf(store: Pages): AsyncGenerator<readonly [string, number]> {
  for await (const page of store.rangePages({})) yield* page
}
