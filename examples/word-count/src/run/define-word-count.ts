import { type AppDefinition, defineApp, type Logger, type Observer, type Transport } from 'millrace'
import type { Settings } from '../command-line/settings.ts'
import { wordCountTopology } from '../topology/word-count-topology.ts'

/** Records read ahead: a batch for each of some partitions at least. */
const READ_AHEAD_BATCHES = 10
const READ_AHEAD_RECORDS = 100_000

export interface Surroundings {
  readonly transport: Transport
  readonly stateDir: string
  readonly logger: Logger
  readonly observer: Observer
  /** See `BufferOptions`. */
  readonly maxOutputBytes?: number
}

/** The application that the command line asks for. */
export function defineWordCount(
  settings: Settings,
  { transport, stateDir, logger, observer, maxOutputBytes }: Surroundings,
): AppDefinition {
  return defineApp({
    topology: wordCountTopology(settings),
    applicationId: settings.applicationId,
    transport,
    stateDir,
    processingGuarantee: settings.processingGuarantee,
    batch: { size: settings.batchSize, timeoutMs: settings.batchTimeoutMs },
    buffer: {
      maxRecords: Math.max(READ_AHEAD_RECORDS, READ_AHEAD_BATCHES * settings.batchSize),
      maxOutputBytes,
    },
    logger,
    observer,
  })
}
