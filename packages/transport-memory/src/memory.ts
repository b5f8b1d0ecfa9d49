import type {
  RecordSource,
  RecordSourceOptions,
  RecordWriter,
  RecordWriterOptions,
  Transport,
  TransportAdmin,
  TransportContext,
} from '@millrace/core'
import { MemoryAdmin } from './admin/memory-admin.ts'
import type { MemoryOperation } from './faults.ts'
import { LogFolder } from './folder/log-folder.ts'
import { EmbeddedLog } from './log/embedded-log.ts'
import type { MemoryOptions } from './memory-options.ts'
import { MemoryWriter } from './sink/memory-writer.ts'
import { MemorySource } from './source/memory-source.ts'

/** A {@link Transport} whose log lives in this process; apps that are given the same one share its topics and groups. */
export interface MemoryTransport extends Transport {
  /**
   * Puts a member out of its group, as a broker does when its session ends: its partitions go to others, its `onLost` is called, then it
   * joins again. Nothing happens when the group has no member of that client id.
   */
  expelMember(groupId: string, clientId: string): void
}

/**
 * An embedded log: topics, partitions, consumer groups and transactions without a broker, for tests, demos and single programs. All records
 * are held in memory, also those that a folder keeps beyond the process; `cleanup.policy` and retention settings of topics are not acted on.
 *
 * @example
 * ```ts with=app-parts
 * import { memory } from 'millrace/memory'
 *
 * export default defineApp({ topology, applicationId: 'word-count', transport: memory({ folder: './data' }) })
 * ```
 */
export function memory(options: MemoryOptions = {}): MemoryTransport {
  return new MemoryLogTransport(options)
}

class MemoryLogTransport implements MemoryTransport {
  readonly name = 'memory'
  readonly mainThreadOnly = 'an embedded log belongs to the thread that made it: use kafka(...), or one thread.'
  readonly #options: MemoryOptions
  #log: EmbeddedLog | undefined
  #openParts = 0

  constructor(options: MemoryOptions) {
    this.#options = options
  }

  async openSource(options: RecordSourceOptions, context: TransportContext): Promise<RecordSource> {
    const operation = { type: 'open-source', clientId: options.clientId, groupId: options.groupId } as const
    return this.#open(operation, context, (log, onClosed) => new MemorySource(log, options, onClosed))
  }

  async openWriter(options: RecordWriterOptions, context: TransportContext): Promise<RecordWriter> {
    const { clientId, transactionalId } = options
    const operation = { type: 'open-writer', clientId, transactionalId } as const
    return this.#open(operation, context, (log, onClosed) => new MemoryWriter(log, options, { logger: context.logger, onClosed }))
  }

  async openAdmin(context: TransportContext): Promise<TransportAdmin> {
    return this.#open({ type: 'open-admin' }, context, (log, onClosed) => new MemoryAdmin(log, onClosed))
  }

  expelMember(groupId: string, clientId: string): void {
    this.#log?.findGroup(groupId)?.find(clientId)?.expel()
  }

  async #open<T extends { close(): Promise<void> }>(
    operation: MemoryOperation,
    context: TransportContext,
    make: (log: EmbeddedLog, onClosed: () => void) => T,
  ): Promise<T> {
    await this.#options.faults?.before?.(operation)
    this.#log ??= this.#openLog(context)
    const part = make(this.#log, () => this.#partClosed())
    this.#openParts++
    try {
      await this.#options.faults?.after?.(operation)
    } catch (error) {
      await part.close()
      throw error
    }
    return part
  }

  #openLog({ logger }: TransportContext): EmbeddedLog {
    const { folder, durability = 'process' } = this.#options
    return new EmbeddedLog(this.#options, folder === undefined ? undefined : LogFolder.open(folder, { durability, logger }))
  }

  #partClosed(): void {
    this.#openParts--
    // A log without a folder lives as long as its transport: it has nowhere to come back from.
    if (this.#openParts > 0 || this.#options.folder === undefined) return
    this.#log?.close()
    this.#log = undefined
  }
}
