import {
  asError,
  type RecordSource,
  type RecordWriter,
  type RecordWriterOptions,
  settledWithin,
  type Transport,
  type TransportContext,
} from '@millrace/core'
import { AtLeastOnce } from '../commit/at-least-once.ts'
import { CommitCoordinator } from '../commit/commit-coordinator.ts'
import { ExactlyOnce } from '../commit/exactly-once.ts'
import { WriterParticipant } from '../commit/writer-participant.ts'
import { OutputQueue } from '../sink/output-queue.ts'
import type { TaskEnvironment } from '../task/task-environment.ts'

/** How long a writer that is given up may take to close. */
const CLOSE_MS = 10_000

/** One writer with what stands before it. After a failure it is given up as a whole and another is opened. */
export interface Outlet {
  readonly output: OutputQueue
  readonly coordinator: CommitCoordinator
  /** Drops what is queued and closes the writer, waiting a bounded time; with a reason, an observer is told what is given up. Never rejects. */
  close(reason: unknown): Promise<void>
}

export interface OutletOptions {
  readonly transport: Transport
  readonly context: TransportContext
  readonly environment: TaskEnvironment
  readonly source: RecordSource
  /** Transactional under exactly-once. */
  readonly writerOptions: RecordWriterOptions
  /** The tasks that there are. */
  readonly tasks: () => readonly string[]
  readonly onFailure: (error: unknown) => void
}

export async function openOutlet(options: OutletOptions): Promise<Outlet> {
  const { transport, context, environment, source, writerOptions, onFailure } = options
  const { definition, clock } = environment
  const writer: RecordWriter = await transport.openWriter(writerOptions, context)
  await environment.outside.open()
  const participants = [...environment.outside.participants, new WriterParticipant(writer, environment)]
  const protocol =
    definition.processingGuarantee === 'exactly-once'
      ? new ExactlyOnce({ source, writer, participants })
      : new AtLeastOnce({ clock, source, writer, participants })
  const output = new OutputQueue(writer, definition.buffer.maxOutputBytes, onFailure)
  const coordinator = new CommitCoordinator({ environment, output, protocol })
  let isOpen = false
  let closing: Promise<void> | undefined
  const close = async (reason: unknown) => {
    if (isOpen && reason !== undefined) {
      environment.emit?.({
        type: 'abort',
        stage: 'commit',
        processingGuarantee: definition.processingGuarantee,
        tasks: options.tasks(),
        error: asError(reason),
        durationMs: clock.monotonic() - coordinator.since,
      })
    }
    coordinator.abandon(reason)
    output.close(reason)
    const ended = writer.close()
    ended.catch((error: unknown) => context.logger.warn({ err: error }, 'a writer failed to close'))
    if (!(await settledWithin(ended, CLOSE_MS, clock))) context.logger.warn({ limitMs: CLOSE_MS }, 'a writer did not close in time')
  }
  // Every commit that is asked for while it closes fails, and gives it up again.
  const outlet: Outlet = { output, coordinator, close: (reason) => (closing ??= close(reason)) }
  try {
    await protocol.open()
    isOpen = true
    return outlet
  } catch (error) {
    await outlet.close(error)
    throw error
  }
}
