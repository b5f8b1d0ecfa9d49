import { type AppDefinition, bytesAt, type Serde, silentLogger, type SinkNode, type Transport, viewColumn } from '@millrace/core'
import { memory } from '@millrace/transport-memory'
import { failureLine } from '../command-line/failure-line.ts'
import { type InputRecord, inputOf, type InputTopic, inputRecord, namedInputs } from './input-line.ts'

/** What an application wrote, decoded. */
export interface OutputLine {
  readonly topic: string
  readonly key: unknown
  readonly value: unknown
}

/** A line that is no record, and why. */
export interface RefusedLine {
  /** From 1. */
  readonly line: number
  readonly error: unknown
}

const context = { logger: silentLogger }
const POLL_MS = 250

/** The embedded log of an application that is being developed: with the topics that it names, what goes in, and what comes out. */
export class DevLog {
  readonly transport: Transport = memory()
  readonly inputs: readonly InputTopic[]
  readonly #sinks: ReadonlyMap<string, SinkNode>
  readonly #topics: readonly string[]

  private constructor({ topology, failure }: AppDefinition) {
    this.inputs = namedInputs(topology.nodes)
    this.#sinks = new Map(
      topology.nodes.flatMap((node) =>
        node.kind === 'sink' && typeof node.topic === 'object' && node.topic.kind === 'name' ? [[node.topic.topic, node] as const] : [],
      ),
    )
    const dead = failure?.deadLetter?.topic
    this.#topics = [
      ...new Set([...this.inputs.map(({ topic }) => topic), ...this.#sinks.keys(), ...(typeof dead === 'string' ? [dead] : [])]),
    ]
  }

  static async open(definition: AppDefinition, partitions: number): Promise<DevLog> {
    const log = new DevLog(definition)
    const admin = await log.transport.openAdmin(context)
    await admin.createTopics(log.#topics.map((topic) => ({ topic, partitions })))
    await admin.close()
    return log
  }

  /** Writes lines, less empty ones and those that are no records, with which it resolves. Rejects with a {@link UsageError} for a topic that is no input. */
  async write(lines: readonly string[], topic?: string): Promise<readonly RefusedLine[]> {
    const inputs = topic === undefined ? this.inputs : [inputOf(topic, this.inputs)]
    const byTopic = new Map<string, InputRecord[]>()
    const refused: RefusedLine[] = []
    lines.forEach((line, i) => {
      if (line.trim() === '') return
      try {
        const record = inputRecord(line, inputs)
        const before = byTopic.get(record.topic)
        if (before === undefined) byTopic.set(record.topic, [record])
        else before.push(record)
      } catch (error) {
        refused.push({ line: i + 1, error })
      }
    })
    await using writer = await this.transport.openWriter({ clientId: 'millrace-dev' }, context)
    for (const [to, records] of byTopic) {
      await writer.writeBatch({
        topic: to,
        length: records.length,
        keys: viewColumn(records.map(({ key }) => key)),
        values: viewColumn(records.map(({ value }) => value)),
        timestamps: records.map(({ timestamp }) => timestamp ?? Date.now()),
      })
    }
    await writer.flush()
    return refused
  }

  /** What the application writes to topics that it names, as it comes, until `stop`. */
  async *outputs(partitions: number, stop: AbortSignal): AsyncGenerator<OutputLine> {
    await using source = await this.transport.openSource({ clientId: 'millrace-dev', isolation: 'read-committed' }, context)
    const all = [...this.#sinks.keys()].flatMap((topic) =>
      Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })),
    )
    await source.assign(all)
    while (!stop.aborted) {
      for (const wire of (await source.poll(POLL_MS)).batches) {
        const sink = this.#sinks.get(wire.topic)
        for (let i = 0; i < wire.length; i++) {
          yield { topic: wire.topic, key: decoded(sink?.key, bytesAt(wire.keys, i)), value: decoded(sink?.value, bytesAt(wire.values, i)) }
        }
        wire.release()
      }
    }
  }
}

function decoded(serde: Serde<unknown> | undefined, bytes: Uint8Array | null): unknown {
  try {
    if (serde === undefined) return undefined
    return bytes === null ? (serde.deserializeNull?.() ?? null) : serde.deserialize(bytes, 0, bytes.byteLength)
  } catch (error) {
    return failureLine(error)
  }
}
