import { type RecordWriter, serializeColumn, silentLogger, viewColumn } from '@millrace/core'
import { setTimeout as pause } from 'node:timers/promises'
import { kafka } from 'millrace/kafka'
import type { TracedGroup } from './traced-group.ts'
import { inputSerdes, someLines } from './word-count-topology.ts'

const LINES = 5
const EVERY_MS = 100
/** Longer than brokers are away in any test. */
const PATIENCE_MS = 180_000

/** Lines for a traced group, all the while, from one writer that stays: to open another there must be brokers that answer. */
export class SteadyInput implements AsyncDisposable {
  readonly #writer: RecordWriter
  readonly #group: TracedGroup
  readonly #writing: Promise<void>
  #going = true

  private constructor(writer: RecordWriter, group: TracedGroup) {
    this.#writer = writer
    this.#group = group
    this.#writing = this.#write()
    // Who stops it hears of it.
    this.#writing.catch(() => undefined)
  }

  /** Resolves when the first lines have arrived. */
  static async begin(group: TracedGroup, brokers: string): Promise<SteadyInput> {
    const transport = kafka({ brokers, producer: { 'message.timeout.ms': PATIENCE_MS } })
    const input = new SteadyInput(await transport.openWriter({ clientId: 'input' }, { logger: silentLogger }), group)
    await input.#add()
    await input.#flush()
    return input
  }

  /** Resolves when all lines have arrived; rejects if some have not. */
  async stop(): Promise<void> {
    if (!this.#going) return
    this.#going = false
    try {
      await this.#writing
      await this.#flush()
    } finally {
      await this.#writer.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => undefined)
  }

  async #write(): Promise<void> {
    while (this.#going) {
      await pause(EVERY_MS)
      await this.#add()
    }
  }

  async #add(): Promise<void> {
    const { lines, topics } = this.#group
    const more = someLines(LINES, lines.length + 1)
    lines.push(...more)
    await this.#writer.writeBatch({
      topic: topics.input,
      length: more.length,
      keys: viewColumn(more.map(() => null)),
      values: serializeColumn(inputSerdes.value, more),
      timestamps: more.map((_, i) => 1_700_000_000_000 + lines.length + i),
    })
  }

  async #flush(): Promise<void> {
    const [failure] = await this.#writer.flush()
    if (failure !== undefined) throw failure.error
  }
}
