import {
  type BytesColumn,
  type Headers,
  MillraceError,
  type PassTrace,
  type Partitioner,
  type Serde,
  SerdeError,
  serializeColumn,
  type SinkNode,
  type TopicExtractor,
  type WriteBatch,
} from '@millrace/core'
import { resolveTopic } from '../internal/topic-names.ts'
import { type NodeInput, sourceRow } from '../process/node-input.ts'
import { pickRows, type SinkOutput, sinkOutput } from './sink-output.ts'
import type { TopicDirectory } from './topic-directory.ts'

type Batch = NodeInput['batch']

/** A sink as a task runs it: its topic's full name, or who chooses the topic of each record. */
export interface ResolvedSink {
  readonly node: SinkNode
  readonly topic: string | TopicExtractor<unknown, unknown>
}

/** A sink of an application: a repartition topic has its full name from it. */
export function resolveSink(node: SinkNode, applicationId: string): ResolvedSink {
  return { node, topic: typeof node.topic === 'function' ? node.topic : (resolveTopic(node.topic, applicationId) as string) }
}

/** Turns what a sink was given into bytes, for each topic it goes to. `trace` may add headers. */
export async function encodeSink(
  sink: ResolvedSink,
  input: NodeInput,
  directory: TopicDirectory,
  trace?: PassTrace,
): Promise<SinkOutput[]> {
  const { batch } = input
  const keys = encodeColumn(sink.node, sink.node.key, batch, 'key')
  const values = encodeColumn(sink.node, sink.node.value, batch, 'value')
  const count = batch.length
  const { timestamps } = batch
  let headers: Headers[] | undefined
  for (let i = 0; batch.hasHeaders && i < count; i++) {
    const own = batch.headers(i)
    if (own.length > 0) (headers ??= new Array<Headers>(count).fill([]))[i] = own
  }
  if (typeof sink.topic === 'string') {
    const partitions = await choosePartitions(sink.node, sink.topic, batch, directory)
    const write = { topic: sink.topic, length: count, keys, values, timestamps, headers, partitions }
    return [sinkOutput(traced(write, { input, rows: undefined, trace }), input, undefined)]
  }
  const outputs: SinkOutput[] = []
  for (const [topic, rows] of rowsByTopic(sink.node, sink.topic, batch)) {
    await existing(topic, directory, { node: sink.node, batch, i: rows[0] as number })
    const partitions = await choosePartitions(sink.node, topic, batch, directory)
    const write = pickRows({ topic, length: count, keys, values, timestamps, headers, partitions }, rows)
    outputs.push(sinkOutput(traced(write, { input, rows, trace }), input, rows))
  }
  return outputs
}

interface Traced {
  readonly input: NodeInput
  readonly rows: readonly number[] | undefined
  readonly trace: PassTrace | undefined
}

/** With the headers that who follows the pass gives each record. */
function traced(write: WriteBatch, { input, rows, trace }: Traced): WriteBatch {
  if (trace?.headersOf === undefined) return write
  const headers = new Array<Headers | undefined>(write.length)
  for (let at = 0; at < write.length; at++)
    headers[at] = trace.headersOf(write.topic, write.headers?.[at], sourceRow(input, rows?.[at] ?? at))
  return { ...write, headers }
}

function encodeColumn(node: SinkNode, serde: Serde<unknown>, batch: Batch, part: 'key' | 'value'): BytesColumn {
  const encoded = part === 'key' ? batch.encodedKeys : batch.encodedValues
  if (serde.givesBack !== undefined && encoded?.isOf(serde) === true) {
    const column = encoded.compact()
    if (serde.givesBack(column)) return column
  }
  try {
    return serializeColumn(serde, part === 'key' ? batch.keys : batch.values)
  } catch (error) {
    const index = error instanceof SerdeError ? error.index : undefined
    const reason = error instanceof Error ? error.message : String(error)
    const at = index === undefined ? '' : ` that comes from ${batch.topic}-${batch.partition}, offset ${batch.offset(index)}`
    throw new MillraceError('SERIALIZATION_FAILED', `Sink '${node.name}' can't write the ${part} of a record${at}: ${reason}`, {
      stage: 'sink',
      cause: error,
      node: node.name,
      topic: batch.topic,
      partition: batch.partition,
      offset: index === undefined ? undefined : batch.offset(index),
    })
  }
}

async function choosePartitions(node: SinkNode, topic: string, batch: Batch, directory: TopicDirectory): Promise<Int32Array | undefined> {
  const partitioner: Partitioner<unknown, unknown> | undefined = node.partitioner
  if (partitioner === undefined) return undefined
  const count = directory.known(topic) ?? (await directory.partitions(topic))
  const partitions = new Int32Array(batch.length)
  for (let i = 0; i < batch.length; i++) {
    const chosen = asked(() => partitioner(batch.record(i), count), { code: 'PARTITION_INVALID', node, batch, i })
    if (chosen !== undefined && !(Number.isInteger(chosen) && chosen >= 0 && chosen < count)) {
      throw new MillraceError(
        'PARTITION_INVALID',
        `The partitioner of sink '${node.name}' chose partition ${chosen} of topic '${topic}', which has ${count}, for ${nameOf(batch, i)}.`,
        detailsOf({ node, batch, i }),
      )
    }
    partitions[i] = chosen ?? -1
  }
  return partitions
}

/** A record that a sink is to write. */
interface Place {
  readonly node: SinkNode
  readonly batch: Batch
  readonly i: number
}

/** What a function of the user's says. What it throws names the record. */
function asked<T>(ask: () => T, { code, ...place }: Place & { readonly code: 'PARTITION_INVALID' | 'TOPIC_INVALID' }): T {
  try {
    return ask()
  } catch (error) {
    throw refused(code, code === 'TOPIC_INVALID' ? 'topic function failed' : 'partitioner failed', { ...place, cause: error })
  }
}

/** Rejects for a topic that a function chose, and that does not exist. */
async function existing(topic: string, directory: TopicDirectory, place: Place): Promise<void> {
  try {
    await directory.partitions(topic)
  } catch (error) {
    if (!(error instanceof MillraceError && error.code === 'TOPIC_MISSING')) throw error
    throw refused('TOPIC_MISSING', `topic function chose '${topic}', which is not there,`, { ...place, cause: error })
  }
}

function refused(code: string, what: string, { cause, ...place }: Place & { readonly cause: unknown }): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const message = `The ${what} for ${nameOf(place.batch, place.i)} (sink '${place.node.name}'): ${reason}`
  const details = { ...detailsOf(place), cause }
  // A topic that is not there is what the error is about.
  const about = cause instanceof MillraceError && cause.topic !== undefined ? { topic: cause.topic, partition: undefined } : {}
  return new MillraceError(code, message, { ...details, ...about })
}

function nameOf(batch: Batch, i: number): string {
  return `the record that comes from ${batch.topic}-${batch.partition}, offset ${batch.offset(i)}`
}

function detailsOf({ node, batch, i }: Place) {
  return { stage: 'sink', node: node.name, topic: batch.topic, partition: batch.partition, offset: batch.offset(i) } as const
}

function rowsByTopic(node: SinkNode, extract: TopicExtractor<unknown, unknown>, batch: Batch): Map<string, number[]> {
  const rows = new Map<string, number[]>()
  for (let i = 0; i < batch.length; i++) {
    const topic = asked(() => extract(batch.record(i)), { code: 'TOPIC_INVALID', node, batch, i })
    if (typeof topic !== 'string' || topic === '') {
      throw new MillraceError(
        'TOPIC_INVALID',
        `The topic function of sink '${node.name}' returned ${String(topic)} for ${nameOf(batch, i)}.`,
        detailsOf({ node, batch, i }),
      )
    }
    const same = rows.get(topic)
    if (same === undefined) rows.set(topic, [i])
    else same.push(i)
  }
  return rows
}
