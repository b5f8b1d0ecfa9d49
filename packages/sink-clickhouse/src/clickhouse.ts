import { type ClickHouseClient, type ClickHouseClientConfigOptions, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import type { DriverFactory, InsertRequest, SinkDriver } from '@millrace/bulk-sink'
import { type Logger, silentLogger, wrongOptions } from '@millrace/core'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { clickhouseBlame } from './blame.ts'
import { type Column, rowLine } from './row-line.ts'

/** Which ClickHouse, and how to reach it. */
export interface ClickhouseOptions {
  /** `http://user:password@host:8123/database`. Default: what `client` says. */
  readonly url?: string | undefined
  /** Options of `@clickhouse/client`, such as `application` or `clickhouse_settings`. */
  readonly client?: ClickHouseClientConfigOptions | undefined
  /** Is told of batches of more than 50 MB. Default: logs nothing. */
  readonly logger?: Logger | undefined
}

/** Above so much a batch is worth a warning: the server takes it in memory several times. */
const LARGE_BYTES = 50_000_000
/** Bytes that are handed to the socket at once. */
const PIECE_BYTES = 65_536
/** Since when a server drops an insert whose token it has seen, in tables that keep windows of them. */
const TOKENS_SINCE = [22, 2] as const
/** The insert names a column that is not there, or a value that does not fit: the table may have changed. */
const SCHEMA_CODES: ReadonlySet<string> = new Set(['16', '117', '27', '60'])

/** ClickHouse for a bulk sink: streams of JSONEachRow, with a de-duplication token where the server knows one. Nothing is connected before the first insert. */
export function clickhouse(options: ClickhouseOptions): DriverFactory {
  const { url, client, logger = silentLogger } = options ?? {}
  if (url === undefined && client?.url === undefined)
    throw wrongOptions('The options of clickhouse are wrong', ["url is missing; give one, such as 'http://localhost:8123'."])
  return () => new ClickhouseDriver({ log: { level: ClickHouseLogLevel.OFF }, ...client, ...(url !== undefined && { url }) }, logger)
}

interface Server {
  readonly version: string
  readonly knowsTokens: boolean
}

class ClickhouseDriver implements SinkDriver {
  readonly name = 'clickhouse'
  readonly blame = clickhouseBlame
  readonly #logger: Logger
  readonly #config: ClickHouseClientConfigOptions
  readonly #plain: ClickHouseClient
  #compressing: ClickHouseClient | undefined
  #server: Promise<Server> | undefined
  readonly #columns = new Map<string, Promise<ReadonlyMap<string, Column>>>()

  constructor(config: ClickHouseClientConfigOptions, logger: Logger) {
    this.#config = config
    this.#logger = logger
    this.#plain = createClient({ ...config, compression: { request: false, ...config.compression } })
  }

  async insert({ table, rows, statement, compression, token, signal }: InsertRequest) {
    const [server, columns] = await Promise.all([this.#serverOf(signal), this.#columnsOf(table, signal)])
    let bytes = 0
    const place = { table, columns, given: new Set<string>() }
    const lines = rows.map((row, index) => {
      const line = rowLine(row, index, place)
      bytes += line.length
      return line
    })
    if (bytes > LARGE_BYTES)
      this.#logger.warn({ table, rows: rows.length, bytes }, 'a batch for ClickHouse has more than 50 MB: cut smaller ones (batchBytes)')
    const client = compression ? this.#compress() : this.#plain
    const settings = server.knowsTokens ? { insert_deduplication_token: token } : {}
    // Columns that no row gives have their defaults.
    const query = statement ?? `INSERT INTO ${quotedName(table)} (${[...place.given].map(quotedName).join(', ')}) FORMAT JSONEachRow`
    try {
      const values = Readable.from(pieces(lines), { objectMode: false })
      const { stream } = await client.exec({ query, values, clickhouse_settings: settings, abort_signal: signal })
      // It is done when the answer has been read, be it empty.
      await finished(stream.resume())
    } catch (error) {
      if (SCHEMA_CODES.has(String((error as { code?: unknown }).code))) this.#columns.delete(table)
      throw error
    }
    return { bytes }
  }

  readonly tokens = async (table: string): Promise<string | undefined> => {
    const { version, knowsTokens } = await this.#serverOf(AbortSignal.timeout(30_000))
    if (!knowsTokens) return `version ${version} knows no de-duplication tokens; ${TOKENS_SINCE.join('.')} is the first that does`
    const [database, name] = table.includes('.') ? table.split('.') : [undefined, table]
    const [found] = await this.#rows<{ engine: string; engine_full: string }>(
      `SELECT engine, engine_full FROM system.tables WHERE database = ${database === undefined ? 'currentDatabase()' : text(database)} AND name = ${text(String(name))}`,
      AbortSignal.timeout(30_000),
    )
    if (found === undefined) return `there is no table '${table}'`
    if (found.engine.startsWith('Replicated') || found.engine.startsWith('Shared')) return undefined
    if (/non_replicated_deduplication_window = [1-9]/.test(found.engine_full)) return undefined
    return `table '${table}' keeps no tokens; set non_replicated_deduplication_window, such as 10000, or use a replicated engine`
  }

  async close() {
    await Promise.all([this.#plain.close(), this.#compressing?.close()])
  }

  #compress(): ClickHouseClient {
    this.#compressing ??= createClient({ ...this.#config, compression: { ...this.#config.compression, request: true } })
    return this.#compressing
  }

  #serverOf(signal: AbortSignal): Promise<Server> {
    if (this.#server !== undefined) return this.#server
    const asked = this.#rows<{ version: string }>('SELECT version() AS version', signal).then(([row]) => {
      const version = row?.version ?? ''
      const [major = 0, minor = 0] = version.split('.').map(Number)
      return { version, knowsTokens: major > TOKENS_SINCE[0] || (major === TOKENS_SINCE[0] && minor >= TOKENS_SINCE[1]) }
    })
    this.#server = asked
    asked.catch(() => {
      this.#server = undefined
    })
    return asked
  }

  #columnsOf(table: string, signal: AbortSignal): Promise<ReadonlyMap<string, Column>> {
    const known = this.#columns.get(table)
    if (known !== undefined) return known
    const asked = this.#rows<{ name: string; type: string }>(`DESCRIBE TABLE ${quotedName(table)}`, signal).then(
      (rows) => new Map(rows.map(({ name, type }) => [name, { type, label: `${JSON.stringify(name)}:` }])),
    )
    this.#columns.set(table, asked)
    asked.catch(() => this.#columns.delete(table))
    return asked
  }

  async #rows<T>(query: string, signal: AbortSignal): Promise<T[]> {
    const answer = await this.#plain.query({ query, format: 'JSONEachRow', abort_signal: signal })
    return answer.json<T>()
  }
}

/** Lines, gathered to pieces that are worth a write each. */
function* pieces(lines: readonly string[]): Generator<string> {
  let piece = ''
  for (const line of lines) {
    piece += line
    if (piece.length < PIECE_BYTES) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

function quotedName(table: string): string {
  return table
    .split('.')
    .map((part) => `\`${part.replaceAll(/[\\`]/g, String.raw`\$&`)}\``)
    .join('.')
}

function text(value: string): string {
  return `'${value.replaceAll(/[\\']/g, String.raw`\$&`)}'`
}
