import { type BytesColumn, deserializeColumn, type Serde, serdes, serializeColumn } from '@millrace/core'
import type { Comparison, Contender } from '../../harness/comparison.ts'
import { textOf } from '../texts.ts'

const RECORDS = 1_000

/** One type of values, and what one would write for it by hand. */
interface Subject<T> {
  readonly name: string
  readonly serde: Serde<T>
  readonly value: (i: number) => T
  readonly encode: (value: T) => Buffer
  readonly decode: (bytes: Buffer) => T
  readonly byHand: string
}

/** Encoding and decoding columns of values, beside a plain loop with Node's own means. */
export function serdeComparisons(): Comparison[] {
  const utf8 = {
    encode: (text: string) => Buffer.from(text),
    decode: (bytes: Buffer) => bytes.toString(),
    byHand: 'Buffer.from and toString',
  }
  const int64 = {
    encode(value: bigint) {
      const bytes = Buffer.allocUnsafe(8)
      bytes.writeBigInt64BE(value)
      return bytes
    },
    decode: (bytes: Buffer) => bytes.readBigInt64BE(),
  }
  return [
    ...both({ name: 'string of 10', serde: serdes.string, value: (i) => textOf(10, i), ...utf8 }),
    ...both({ name: 'string of 100', serde: serdes.string, value: (i) => textOf(100, i), ...utf8 }),
    ...both({ name: 'string of 10, not ASCII', serde: serdes.string, value: (i) => `${textOf(8, i)}éß`, ...utf8 }),
    ...both({
      name: 'safeInt64',
      serde: serdes.safeInt64,
      value: (i) => i * 1_000_003,
      encode: (value) => int64.encode(BigInt(value)),
      decode: (bytes) => Number(int64.decode(bytes)),
      byHand: 'writeBigInt64BE and readBigInt64BE',
    }),
    ...both({
      name: 'int64',
      serde: serdes.int64,
      value: (i) => BigInt(i) * 1_000_003n,
      ...int64,
      byHand: 'writeBigInt64BE and readBigInt64BE',
    }),
    ...both({
      name: 'float64',
      serde: serdes.float64,
      value: (i) => i / 3,
      encode(value) {
        const bytes = Buffer.allocUnsafe(8)
        bytes.writeDoubleBE(value)
        return bytes
      },
      decode: (bytes) => bytes.readDoubleBE(),
      byHand: 'writeDoubleBE and readDoubleBE',
    }),
    ...both<unknown>({
      name: 'json',
      serde: serdes.json<unknown>(),
      value: (i) => ({ id: i, name: textOf(10, i), tags: ['a', 'b'], price: i / 4 }),
      encode: (value) => Buffer.from(JSON.stringify(value)),
      decode: (bytes) => JSON.parse(bytes.toString()) as unknown,
      byHand: 'JSON.stringify into a Buffer, and JSON.parse of its text',
    }),
  ]
}

function both<T>({ name, serde, value, encode, decode, byHand }: Subject<T>): Comparison[] {
  const values = Array.from({ length: RECORDS }, (_, i) => value(i))
  const buffers = values.map(encode)
  const packed = packedColumn(buffers)
  const views: BytesColumn = { form: 'views', length: RECORDS, views: buffers }
  return [
    {
      name: `serialize ${name}`,
      baseline: contender('by hand', `${byHand}, a Buffer for each value.`, () => values.map(encode)),
      others: [
        contender('serializeColumn', 'The serde, a column at a time: what a sink does.', () => serializeColumn(serde, values)),
        contender('serialize', 'The serde, a value at a time: what a store does.', () => values.map((one) => serde.serialize(one))),
      ],
    },
    {
      name: `deserialize ${name}`,
      baseline: contender('by hand', `${byHand}, from a Buffer for each value.`, () => buffers.map(decode)),
      others: [
        contender('deserializeColumn, packed', 'The serde, a column of one buffer: what a source does.', () =>
          deserializeColumn(serde, packed),
        ),
        contender('deserializeColumn, views', 'The serde, a column of a Buffer for each value.', () => deserializeColumn(serde, views)),
        contender('deserialize', 'The serde, a value at a time: what a store does.', () =>
          buffers.map((bytes) => serde.deserialize(bytes, 0, bytes.byteLength)),
        ),
      ],
    },
  ]
}

/** Results are kept until the next, so that no compiler can leave the work out. */
let kept: unknown

function contender(name: string, says: string, work: () => unknown): Contender {
  return {
    name,
    says,
    records: RECORDS,
    open: () => ({
      work() {
        kept = work()
      },
      check() {
        if (kept === undefined) throw new Error(`'${name}' made nothing.`)
      },
    }),
  }
}

function packedColumn(buffers: readonly Buffer[]): BytesColumn {
  const starts = new Int32Array(buffers.length)
  const ends = new Int32Array(buffers.length)
  let at = 0
  for (let i = 0; i < buffers.length; i++) {
    starts[i] = at
    at += (buffers[i] as Buffer).length
    ends[i] = at
  }
  return { form: 'packed', length: buffers.length, bytes: new Uint8Array(Buffer.concat(buffers)), starts, ends }
}
