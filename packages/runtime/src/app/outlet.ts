import type { RecordSource, RecordWriter, Transport, TransportContext } from '@millrace/core'
import { AtLeastOnceCoordinator } from '../commit/at-least-once.ts'
import type { CommitCoordinator } from '../commit/commit-coordinator.ts'
import { WriterParticipant } from '../commit/writer-participant.ts'
import { settledWithin } from '../internal/time-limit.ts'
import { OutputQueue } from '../sink/output-queue.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'

/** How long a writer that is given up may take to close. */
const CLOSE_MS = 10_000

/** One writer with what stands before it. After a failure it is given up as a whole and another is opened. */
export interface Outlet {
  readonly output: OutputQueue
  readonly coordinator: CommitCoordinator
  /** Drops what is queued and closes the writer, waiting a bounded time. Never rejects. */
  close(reason: unknown): Promise<void>
}

export interface OutletOptions {
  readonly transport: Transport
  readonly context: TransportContext
  readonly environment: TaskEnvironment
  readonly source: RecordSource
  readonly clientId: string
  readonly onFailure: (error: unknown) => void
}

export async function openOutlet({ transport, context, environment, source, clientId, onFailure }: OutletOptions): Promise<Outlet> {
  const writer: RecordWriter = await transport.openWriter({ clientId }, context)
  const output = new OutputQueue(writer, environment.definition.buffer.maxOutputBytes, onFailure)
  const participants = [new WriterParticipant(writer)]
  const coordinator = new AtLeastOnceCoordinator({ environment, source, writer, output, participants })
  return {
    output,
    coordinator,
    async close(reason) {
      coordinator.abandon(reason)
      output.close(reason)
      const closing = writer.close()
      closing.catch((error: unknown) => context.logger.warn({ err: error }, 'a writer failed to close'))
      if (!(await settledWithin(closing, CLOSE_MS, environment.clock)))
        context.logger.warn({ limitMs: CLOSE_MS }, 'a writer did not close in time')
    },
  }
}
