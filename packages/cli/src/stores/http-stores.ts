import { MillraceError } from '@millrace/core'
import { NotFoundError, UsageError } from '../command-line/errors.ts'
import { jsonText } from '../command-line/report.ts'
import type { FoundEntry, StoreAnswer, StoreQuestion } from './store-question.ts'

/** How a running application is reached. */
export interface HttpTarget {
  /** Of its HTTP server, such as `http://localhost:9464`. */
  readonly url: string
  /** Sent as a bearer token, to this address alone. */
  readonly token: string | undefined
  readonly stop: AbortSignal
}

/** What a process answers that has not got the key. */
const ELSEWHERE = 421
/** Who says where it is may be a moment behind. */
const MOST_HOPS = 3
/** For one answer. */
const ANSWER_MS = 30_000

/** The most that a server answers with at once. */
const PAGE = 1_000

/** All that is there of one key, however many windows or sessions that are. */
export async function askAllOfKey(question: StoreQuestion, target: HttpTarget): Promise<StoreAnswer> {
  const found = new Map<string, FoundEntry>()
  for (let { from } = question; ;) {
    const { entries, more } = await askOverHttp({ ...question, from, limit: PAGE }, target)
    const before = found.size
    for (const entry of entries) found.set(jsonText(entry.key), entry)
    const last = more ? timeOf(entries.at(-1)?.key) : undefined
    if (last === undefined) return { store: question.store, entries: [...found.values()], more }
    // Sessions may end at the same time: those that were there come again, until there are no others.
    from = String(found.size > before ? last : last + 1)
  }
}

/** Where a window or session is among those of its key: windows begin, sessions end in order. */
function timeOf(key: unknown): number | undefined {
  const { start, end = start } = (key ?? {}) as { readonly start?: unknown; readonly end?: unknown }
  return typeof end === 'number' ? end : undefined
}

/**
 * Asks a running application over its HTTP server; a key that is in another process, that one, if it tells where. The token goes to the address that was named, and
 * to no other host, port or protocol: where a process is says who is a member of the group, whoever that is, and another port may be another user's. Entries in order are those of the
 * one process that was named.
 */
export async function askOverHttp(question: StoreQuestion, { url, token, stop }: HttpTarget): Promise<StoreAnswer> {
  let base = url
  for (let hop = 0; ; hop++) {
    const isNamed = base === url || new URL(base).origin === new URL(url).origin
    const { status, body } = await ask(addressOf(base, question), isNamed ? token : undefined, stop)
    if (status === 200) return answerOf(question, body)
    const told = typeof body['error'] === 'string' ? body['error'] : `it answered with status ${status}`
    if (status === ELSEWHERE && typeof body['address'] === 'string' && hop < MOST_HOPS) {
      base = /^https?:\/\//.test(body['address']) ? body['address'] : `${new URL(base).protocol}//${body['address']}`
      continue
    }
    if (status === 404) throw new NotFoundError(told)
    if (status === 400) throw new UsageError(told)
    if ((status === 401 || status === 403) && !isNamed)
      throw new UsageError(
        `The key is in the process at ${base}, which wants a token. It is sent to ${new URL(url).origin} alone: ask that one, with --http ${base}.`,
      )
    if (status === 401 || status === 403) throw new UsageError(`${base} refuses: ${told}. Give its token with --token, or MILLRACE_TOKEN.`)
    throw new MillraceError('STORE_NOT_ANSWERED', `${base} could not answer: ${told}`, { stage: 'store', retryable: status === 503 })
  }
}

function addressOf(base: string, { store, key, from, to, prefix, reverse, limit }: StoreQuestion): URL {
  let url: URL
  try {
    url = new URL(base)
  } catch {
    throw new UsageError(`'${base}' is no address: use one such as http://localhost:9464.`)
  }
  url.pathname = `${url.pathname.replace(/\/$/, '')}/stores/${encodeURIComponent(store)}`
  // Not in the path, where a key may stand as well: some are more than that to an address, such as '..'.
  for (const [name, value] of Object.entries({ key, from, to, prefix, reverse: reverse ? 'true' : undefined, limit: String(limit) })) {
    if (value !== undefined) url.searchParams.set(name, value)
  }
  return url
}

async function ask(url: URL, token: string | undefined, stop: AbortSignal): Promise<{ status: number; body: Record<string, unknown> }> {
  try {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(ANSWER_MS)])
    const response = await fetch(url, { signal, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
    const text = await response.text()
    const body: unknown = /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : {}
    return { status: response.status, body: typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {} }
  } catch (error) {
    throw new MillraceError('NOT_REACHABLE', `No application answers at ${url.origin}: is it running, with its HTTP server on?`, {
      stage: 'store',
      retryable: true,
      cause: error,
    })
  }
}

function answerOf({ store, key }: StoreQuestion, body: Record<string, unknown>): StoreAnswer {
  if (Array.isArray(body['entries'])) return { store, entries: body['entries'] as FoundEntry[], more: body['more'] === true }
  if ('value' in body) return { store, entries: [{ key: body['key'] ?? key, value: body['value'] }], more: false }
  throw new MillraceError('STORE_NOT_ANSWERED', 'What answers is no application of Millrace: the answer has no entries.', {
    stage: 'store',
  })
}
