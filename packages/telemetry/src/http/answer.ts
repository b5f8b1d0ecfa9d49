/** What a request is answered with. */
export interface Answer {
  readonly status: number
  readonly body: string | Buffer
  readonly type: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** An answer that says what is wrong; thrown by routes. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly more: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    message: string,
    more: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.more = more
    this.headers = headers
  }
}

export function json(value: unknown, status = 200, headers?: Readonly<Record<string, string>>): Answer {
  return { status, body: `${jsonText(value)}\n`, type: 'application/json; charset=utf-8', headers }
}

export function jsonText(value: unknown): string {
  return JSON.stringify(value, jsonSafe)
}

export function text(body: string, type = 'text/plain; charset=utf-8'): Answer {
  return { status: 200, body, type }
}

export function refused({ status, message, more, headers }: Refusal): Answer {
  return json({ error: message, ...more }, status, headers)
}

/** What JSON has no word for: big integers and dates as text, bytes in base64, maps and sets as lists, errors by their message. */
function jsonSafe(this: unknown, key: string, value: unknown): unknown {
  // A buffer has said what it is by itself before this is asked.
  const own = (this as Readonly<Record<string, unknown>> | undefined)?.[key]
  if (own instanceof Uint8Array) return { base64: Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString('base64') }
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value instanceof Map) return [...value]
  if (value instanceof Set) return [...value]
  if (value instanceof Error) return value.message
  return value
}
