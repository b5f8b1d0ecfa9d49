import { partitionForKey } from '@millrace/core'
import { countsOf, type InputShape, keyNumber, keyText } from '../input/input-shape.ts'

/** What is known of every record of an input, by key. */
export class ExpectedRecords {
  /** How many there are of each key. */
  readonly counts: Int32Array
  readonly #begins: Int32Array
  readonly #indices: Int32Array
  readonly #partitions: Int32Array

  constructor(shape: InputShape) {
    const { keys, records, partitions } = shape
    this.counts = countsOf(shape)
    this.#begins = new Int32Array(keys)
    for (let number = 1; number < keys; number++) this.#begins[number] = this.#begins[number - 1]! + this.counts[number - 1]!
    const next = this.#begins.slice()
    this.#indices = new Int32Array(records)
    for (let index = 0; index < records; index++) this.#indices[next[keyNumber(index, keys)]!++] = index
    this.#partitions = Int32Array.from({ length: keys }, (_, number) => partitionForKey(Buffer.from(keyText(number)), partitions))
  }

  /** Which record of the input is the one with this count of a key, from 1. */
  indexOf(number: number, count: number): number {
    return this.#indices[(this.#begins[number] as number) + count - 1] as number
  }

  /** Where Kafka's default partitioner puts a key. */
  partitionOf(number: number): number {
    return this.#partitions[number] as number
  }
}
