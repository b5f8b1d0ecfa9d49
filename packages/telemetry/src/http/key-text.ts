import type { Serde } from '@millrace/core'
import { Refusal } from './answer.ts'

/** The key that a text in an address stands for: what the store's serde takes of text, number, big integer, truth value, bytes and JSON, in that order. */
export function keyOf(serde: Serde<unknown>, text: string): unknown {
  const candidates = serde.name.includes('json') ? [asJson, asText] : [asText, asNumber, asBigInt, asBoolean, asBytes, asJson]
  let reason: unknown
  for (const candidate of candidates) {
    try {
      const key = candidate(text)
      if (key === undefined) continue
      serde.serialize(key)
      return key
    } catch (error) {
      reason = error
    }
  }
  throw notAKey(serde, reason)
}

/** The key whose bytes are given in base64. */
export function keyOfBase64(serde: Serde<unknown>, text: string): unknown {
  const bytes = bytesOfBase64(text)
  try {
    return serde.deserialize(bytes, 0, bytes.length)
  } catch (error) {
    throw notAKey(serde, error)
  }
}

export function bytesOfBase64(text: string): Uint8Array {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw new Refusal(400, 'This is no base64.')
  return new Uint8Array(Buffer.from(text, 'base64'))
}

function notAKey(serde: Serde<unknown>, error: unknown): Refusal {
  return new Refusal(
    400,
    `This is no key of the store, whose keys are of serde '${serde.name}': ${error instanceof Error ? error.message : String(error)}`,
  )
}

function asText(text: string): unknown {
  return text
}

function asNumber(text: string): unknown {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined
}

function asBigInt(text: string): unknown {
  return /^-?\d{1,40}$/.test(text) ? BigInt(text) : undefined
}

function asBoolean(text: string): unknown {
  return text === 'true' ? true : text === 'false' ? false : undefined
}

function asBytes(text: string): unknown {
  return new TextEncoder().encode(text)
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
