import type { IncomingMessage } from 'node:http'
import { Refusal } from './answer.ts'

/** Longer addresses are refused. */
const MAX_URL = 8_192
/** Bytes of a body, at most. */
const MAX_BODY = 65_536

export interface Request {
  readonly method: string
  /** Its parts, decoded: a key may hold anything, a slash too. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
  readonly message: IncomingMessage
}

/** Takes an address apart as it was sent: resolving it as a link would drop parts such as `..`, which keys may be. */
export function parseRequest(message: IncomingMessage): Request {
  const url = message.url ?? '/'
  if (url.length > MAX_URL) throw new Refusal(414, `The address is longer than ${MAX_URL} characters.`)
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  try {
    const parts = path.split('/').slice(1).map(decodeURIComponent)
    return { method: message.method ?? 'GET', path: parts, query: new URLSearchParams(at < 0 ? '' : url.slice(at + 1)), message }
  } catch {
    throw new Refusal(400, 'The address holds a % that begins no encoded character: encode keys as encodeURIComponent does.')
  }
}

/** The body, as JSON. */
export async function jsonBody(message: IncomingMessage): Promise<unknown> {
  const tooLarge = () => new Refusal(413, `The body is longer than ${MAX_BODY} bytes.`, {}, { connection: 'close' })
  if (Number(message.headers['content-length'] ?? 0) > MAX_BODY) throw tooLarge()
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY) throw tooLarge()
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  } catch {
    throw new Refusal(400, 'The body is no JSON.')
  }
}
