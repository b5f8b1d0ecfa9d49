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
 * An embedded log: topics, partitions, consumer groups and transactions without a broker, for tests, demos and single programs.
 *
 * @example
 * ```ts
 * import { memory } from 'millrace/memory'
 *
 * export default defineApp({ topology, applicationId: 'word-count', transport: memory() })
 * ```
 */
export function memory(options: MemoryOptions = {}): MemoryTransport {
  return new MemoryLogTransport(options)
}

class MemoryLogTransport implements MemoryTransport {
  readonly name = 'memory'
  readonly #log: EmbeddedLog

  constructor(options: MemoryOptions) {
    this.#log = new EmbeddedLog(options)
  }

  async openSource(options: RecordSourceOptions, _context: TransportContext): Promise<RecordSource> {
    const operation = { type: 'open-source', clientId: options.clientId, groupId: options.groupId } as const
    await this.#log.faults.before(operation)
    const source = new MemorySource(this.#log, options, () => {})
    await this.#log.faults.after(operation)
    return source
  }

  async openWriter(options: RecordWriterOptions, context: TransportContext): Promise<RecordWriter> {
    const operation = { type: 'open-writer', clientId: options.clientId, transactionalId: options.transactionalId } as const
    await this.#log.faults.before(operation)
    const writer = new MemoryWriter(this.#log, options, { logger: context.logger, onClosed: () => {} })
    await this.#log.faults.after(operation)
    return writer
  }

  async openAdmin(_context: TransportContext): Promise<TransportAdmin> {
    return new MemoryAdmin(this.#log, () => {})
  }

  expelMember(groupId: string, clientId: string): void {
    this.#log.group(groupId).find(clientId)?.expel()
  }
}
