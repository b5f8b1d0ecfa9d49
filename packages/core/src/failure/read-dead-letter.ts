import type { Headers } from '../batch/headers.ts'
import { readInt32 } from '../serde/big-endian.ts'
import { DEAD_LETTER_STYLES, OWN_HEADER_NAMES } from './dead-letter-styles.ts'
import type { DeadLetterHeaderStyle, FailureStage } from './failure-options.ts'

/** What the headers of a dead letter say, as far as they do. */
export interface DeadLetterInfo {
  /** Whose header names they are. */
  readonly style: DeadLetterHeaderStyle
  /** Where the record first came from. */
  readonly topic: string
  readonly partition: number | undefined
  readonly offset: number | undefined
  readonly stage: FailureStage | undefined
  /** Name of the node that failed. */
  readonly node: string | undefined
  /** How often it was tried. */
  readonly attempts: number | undefined
  /** The class of what was thrown. */
  readonly errorClass: string | undefined
  readonly message: string | undefined
  readonly stack: string | undefined
}

const STYLES: readonly DeadLetterHeaderStyle[] = ['streams', 'spring', 'connect']

/** Reads what `deadLetterHeaders` wrote, or another tool of the same style; undefined for headers that are no dead letter's. */
export function readDeadLetter(headers: Headers): DeadLetterInfo | undefined {
  // Who replays and fails again appends: the last of a name is the latest, but the first is where it came from.
  const first = new Map<string, Uint8Array | null>()
  const last = new Map<string, Uint8Array | null>()
  for (const { key, value } of headers) {
    if (!first.has(key)) first.set(key, value)
    last.set(key, value)
  }
  for (const style of STYLES) {
    const { origin, binaryNumbers, errorClass, message, stack } = DEAD_LETTER_STYLES[style].readBy
    const topic = text(first.get(origin.topic))
    if (topic === undefined) continue
    const number = (bytes: Uint8Array | null | undefined) => (binaryNumbers ? binary(bytes) : decimal(bytes))
    const of = (names: readonly string[]) => names.map((name) => text(last.get(name))).find((one) => one !== undefined)
    return {
      style,
      topic,
      partition: number(first.get(origin.partition)),
      offset: number(first.get(origin.offset)),
      stage: stageOf(text(last.get('millrace.stage'))),
      node: text(last.get('millrace.node')),
      attempts: decimal(last.get('millrace.attempts')),
      // Kafka Streams has class and message in one.
      errorClass: style === 'streams' ? of(errorClass)?.split(':', 1)[0] : of(errorClass),
      message: of(message),
      stack: of(stack),
    }
  }
  return undefined
}

/** The headers that the record had before it became a dead letter. */
export function withoutDeadLetterHeaders(headers: Headers): Headers {
  const names = new Set([
    ...OWN_HEADER_NAMES,
    ...STYLES.flatMap((style) => [...DEAD_LETTER_STYLES[style].origin, ...DEAD_LETTER_STYLES[style].reason]),
  ])
  return headers.filter(({ key }) => !names.has(key))
}

function stageOf(name: string | undefined): FailureStage | undefined {
  return name === 'decode' || name === 'process' || name === 'produce' ? name : undefined
}

function text(bytes: Uint8Array | null | undefined): string | undefined {
  return bytes == null ? undefined : new TextDecoder().decode(bytes)
}

function decimal(bytes: Uint8Array | null | undefined): number | undefined {
  const value = text(bytes)
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

/** Big-endian, of four bytes or eight. */
function binary(bytes: Uint8Array | null | undefined): number | undefined {
  if (bytes?.length === 4) return readInt32(bytes, 0)
  if (bytes?.length !== 8) return undefined
  const value = readInt32(bytes, 0) * 2 ** 32 + (readInt32(bytes, 4) >>> 0)
  return Number.isSafeInteger(value) ? value : undefined
}
