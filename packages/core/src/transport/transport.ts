import type { Logger } from '../observe/logger.ts'
import type { RecordSource, RecordSourceOptions } from './record-source.ts'
import type { RecordWriter, RecordWriterOptions } from './record-writer.ts'
import type { TransportAdmin } from './transport-admin.ts'

/** What every part of a transport is given when it is opened. */
export interface TransportContext {
  readonly logger: Logger
}

/** How another process makes the same transport: `module` (a URL) exports a function called `name`, which takes `options`. */
export interface TransportRecipe {
  readonly module: string
  readonly name: string
  /** What can be sent to another process: no functions. */
  readonly options: unknown
}

/** Where records come from and go to. Inert until something is opened; each part is closed by who opened it. */
export interface Transport {
  /** Names the transport in logs and errors, such as `kafka`. */
  readonly name: string
  /** Absent: it can be made in this process only. */
  readonly recipe?: TransportRecipe | undefined
  /** Why the worker threads of an application can't use it, as the end of a sentence that says what to do instead. Absent: they can. */
  readonly mainThreadOnly?: string | undefined
  /** Connects a reader. Rejects with a `MillraceError`, such as `BROKER_UNREACHABLE`. */
  openSource(options: RecordSourceOptions, context: TransportContext): Promise<RecordSource>
  /** Connects a writer. One with a `transactionalId` fences earlier ones of that id. Rejects as `openSource`. */
  openWriter(options: RecordWriterOptions, context: TransportContext): Promise<RecordWriter>
  /** Connects an admin client. Rejects as `openSource`. */
  openAdmin(context: TransportContext): Promise<TransportAdmin>
}
