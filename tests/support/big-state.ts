import { type Transport, viewColumn } from '@millrace/core'
import { silentLogger } from 'millrace'

/** Of a whole store, in whatever order: how many entries, and two sums over them. */
export interface Digest {
  readonly entries: number
  readonly sum: number
  readonly xor: number
}

/** Records of one write. */
const CHUNK = 10_000
const PARTITIONS = 2

/**
 * The rounds in which the changelog of a big state is written: every key, then every tenth anew, then every twentieth deleted, then every fortieth
 * put once more.
 */
const rounds: readonly { readonly every: number; readonly value: ((key: number) => string) | undefined }[] = [
  { every: 1, value: (key) => `first ${key}` },
  { every: 10, value: (key) => `second ${key}` },
  { every: 20, value: undefined },
  { every: 40, value: (key) => `third ${key}` },
]

export const keyOf = (key: number): string => `key-${key}`

/** What a key has in the end. */
export function valueOf(key: number): string | undefined {
  const last = rounds.findLast(({ every }) => key % every === 0)
  return last?.value?.(key)
}

/** How many records `writeBigState` writes. */
export function recordsOf(keys: number): number {
  return rounds.reduce((sum, { every }) => sum + Math.ceil(keys / every), 0)
}

/** Writes the changelog of a state of so many keys (some of them deleted again) straight into its topic, of two partitions. */
export async function writeBigState(transport: Transport, topic: string, keys: number): Promise<void> {
  const writer = await transport.openWriter({ clientId: 'big-state' }, { logger: silentLogger })
  try {
    for (const { every, value } of rounds) {
      for (let from = 0; from < keys; from += CHUNK * every) {
        const length = Math.min(CHUNK, Math.ceil((keys - from) / every))
        const numbers = Array.from({ length }, (_, i) => from + i * every)
        await writer.writeBatch({
          topic,
          length,
          keys: viewColumn(numbers.map((key) => Buffer.from(keyOf(key)))),
          values: viewColumn(numbers.map((key) => (value === undefined ? null : Buffer.from(value(key))))),
          timestamps: new Float64Array(length).fill(Date.now()),
          partitions: numbers.map((key) => key % PARTITIONS),
        })
      }
    }
    const [failure] = await writer.flush()
    if (failure !== undefined) throw failure.error
  } finally {
    await writer.close()
  }
}

/** The digest of the state that `writeBigState` describes. */
export function digestOfBigState(keys: number): Digest {
  const digester = new Digester()
  for (let key = 0; key < keys; key++) {
    const value = valueOf(key)
    if (value !== undefined) digester.add(keyOf(key), value)
  }
  return digester.digest
}

/** Makes a digest, entry by entry. */
export class Digester {
  #entries = 0
  #sum = 0
  #xor = 0

  add(key: string, value: string): void {
    const hash = hashOf(`${key}=${value}`)
    this.#entries++
    this.#sum += hash
    this.#xor ^= hash
  }

  get digest(): Digest {
    return { entries: this.#entries, sum: this.#sum, xor: this.#xor }
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
