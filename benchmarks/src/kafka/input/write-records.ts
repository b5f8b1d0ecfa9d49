import { type RecordWriter, serdes, serializeColumn, silentLogger, type Transport } from '@millrace/core'
import { type InputShape, keyNumber, keyText, timeOf, valueText } from './input-shape.ts'

const WRITTEN_AT_ONCE = 10_000
/** A count, as all programs write it. */
const COUNT_BYTES = 8

export interface NumberedRecords {
  readonly topic: string
  readonly shape: Pick<InputShape, 'keys' | 'valueBytes'>
  /** The first of them. */
  readonly from: number
  /** The one behind the last. */
  readonly to: number
  /** The time of each. */
  readonly time: (index: number) => number
}

/** Queues these records of an input. */
export async function writeRecords(writer: RecordWriter, { topic, shape, from, to, time }: NumberedRecords): Promise<void> {
  const indices = Array.from({ length: to - from }, (_, i) => from + i)
  await writer.writeBatch({
    topic,
    length: indices.length,
    keys: serializeColumn(
      serdes.string,
      indices.map((index) => keyText(keyNumber(index, shape.keys))),
    ),
    values: serializeColumn(
      serdes.string,
      indices.map((index) => valueText(index, shape.valueBytes)),
    ),
    timestamps: Float64Array.from(indices, time),
  })
}

/** Fills a topic; resolves when a broker has all of it. */
export async function fillInput(transport: Transport, topic: string, shape: InputShape): Promise<void> {
  await using writer = await transport.openWriter({ clientId: 'bench-input' }, { logger: silentLogger })
  for (let from = 0; from < shape.records; from += WRITTEN_AT_ONCE)
    await writeRecords(writer, { topic, shape, from, to: Math.min(shape.records, from + WRITTEN_AT_ONCE), time: timeOf })
  await delivered(writer)
}

/** Fills the changelog that is restored from: of each key the last count, in the layout of all programs here, and then nothing but bytes. */
export async function fillChangelog(transport: Transport, topic: string, { keys, valueBytes }: Pick<InputShape, 'keys' | 'valueBytes'>) {
  await using writer = await transport.openWriter({ clientId: 'bench-changelog' }, { logger: silentLogger })
  for (let from = 0; from < keys; from += WRITTEN_AT_ONCE) {
    const numbers = Array.from({ length: Math.min(WRITTEN_AT_ONCE, keys - from) }, (_, i) => from + i)
    await writer.writeBatch({
      topic,
      length: numbers.length,
      keys: serializeColumn(serdes.string, numbers.map(keyText)),
      values: serializeColumn(
        serdes.bytes,
        numbers.map((number) => restoredValue(number, valueBytes)),
      ),
      timestamps: new Float64Array(numbers.length).fill(Date.now()),
    })
  }
  await delivered(writer)
}

function restoredValue(number: number, valueBytes: number): Buffer {
  const bytes = Buffer.alloc(Math.max(COUNT_BYTES, valueBytes), 'v')
  bytes.writeBigInt64BE(BigInt(restoredCount(number)))
  return bytes
}

/** What a restored store holds for a key. */
export function restoredCount(number: number): number {
  return number + 1
}

async function delivered(writer: RecordWriter): Promise<void> {
  const [failure] = await writer.flush()
  if (failure !== undefined) throw failure.error
}
