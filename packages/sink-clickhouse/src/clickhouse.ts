import { type ClickHouseClient, type ClickHouseClientConfigOptions, type ClickHouseSettings, createClient } from '@clickhouse/client'
import { type DriverFactory, type InsertRequest, RowError, type SinkDriver, TableColumns, type TokensQuestion } from '@millrace/bulk-sink'
import { type Logger, safeLogger, silentLogger, wrongOptions } from '@millrace/core'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { readAnswer } from './answer.ts'
import { clickhouseBlame } from './blame.ts'
import { clientConfig } from './client-config.ts'
import { type Column, rowLine } from './row-line.ts'
import { insertSettings, knowsTokens, TOKENS_SINCE } from './server-version.ts'
import { type TableEngine, windowProblem } from './token-window.ts'

/** Which ClickHouse, and how to reach it. */
export interface ClickhouseOptions {
  /** `http://user:password@host:8123/database`. Default: what `client` says. */
  readonly url?: string | undefined
  /**
   * Options of `@clickhouse/client`, such as `application` or `clickhouse_settings`. Default: as many connections as the sink has inserts at once, and no time
   * limit besides the sink's (`insertTimeoutMs`). `async_insert` is off whatever they say: batches are made here, and are in when the server says so.
   */
  readonly client?: ClickHouseClientConfigOptions | undefined
  /** Is told of batches of more than 50 MB. Default: the sink's. */
  readonly logger?: Logger | undefined
}

/** Above so much a batch is worth a warning: the server takes it in memory several times. */
const LARGE_BYTES = 50_000_000
/** In UTF-8, of one unit of UTF-16. */
const MOST_BYTES_A_CHARACTER = 3
/** Bytes that are handed to the socket at once. */
const PIECE_BYTES = 65_536
/** Besides those of rows: the insert names a column, or a table, that is not there. */
const SCHEMA_CODES: ReadonlySet<string> = new Set(['16', '60'])

/** ClickHouse for a bulk sink: streams of JSONEachRow, with a de-duplication token where the server knows one. Nothing is connected before the first insert. */
export function clickhouse(options: ClickhouseOptions): DriverFactory {
  const { url, client, logger } = options ?? {}
  if (url === undefined && client?.url === undefined)
    throw wrongOptions('The options of clickhouse are wrong', ["url is missing; give one, such as 'http://localhost:8123'."])
  return (context) => new ClickhouseDriver(clientConfig(url, client), safeLogger(logger ?? context?.logger ?? silentLogger))
}

/** What the server says of a column. */
interface DescribedColumn {
  readonly name: string
  readonly type: string
  /** `MATERIALIZED`, `ALIAS`: the server makes its value, and takes none. */
  readonly default_type: string
}

class ClickhouseDriver implements SinkDriver {
  readonly name = 'clickhouse'
  readonly blame = clickhouseBlame
  readonly #logger: Logger
  readonly #config: ClickHouseClientConfigOptions
  readonly #plain: ClickHouseClient
  #compressing: ClickHouseClient | undefined
  #version: Promise<string> | undefined
  readonly #columns = new TableColumns<Column>()

  constructor(config: ClickHouseClientConfigOptions, logger: Logger) {
    this.#config = config
    this.#logger = logger
    this.#plain = createClient({ ...config, compression: { request: false, ...config.compression } })
  }

  async insert(request: InsertRequest) {
    const settings = insertSettings(await this.#versionOf(request.signal), request.token)
    return this.#withColumns(request, (columns) => this.#send(request, columns, { into: request.table, settings }))
  }

  /** Into a table of the same columns and constraints that keeps nothing. */
  readonly check = async (request: InsertRequest): Promise<void> => {
    const { table, signal } = request
    const probe = `${table}_check_${randomBytes(6).toString('hex')}`
    await this.#command(`CREATE TABLE ${quotedName(probe)} AS ${quotedName(table)} ENGINE = Null`, signal)
    try {
      await this.#withColumns(request, (columns) =>
        this.#send({ ...request, statement: undefined }, columns, { into: probe, settings: {} }),
      )
    } finally {
      await this.#command(`DROP TABLE IF EXISTS ${quotedName(probe)}`, AbortSignal.timeout(30_000))
    }
  }

  #withColumns<T>({ table, signal }: InsertRequest, work: (columns: ReadonlyMap<string, Column>) => Promise<T>): Promise<T> {
    return this.#columns.use({ table, ask: () => this.#askColumns(table, signal), work, isSuspect })
  }

  async #send(
    { table, rows, statement, compression, signal }: InsertRequest,
    columns: ReadonlyMap<string, Column>,
    { into, settings }: { readonly into: string; readonly settings: ClickHouseSettings },
  ) {
    const place = { table, columns, given: new Set<string>() }
    const lines = rows.map((row, index) => rowLine(row, index, place))
    const bytes = largeBytes(lines)
    if (bytes > LARGE_BYTES)
      this.#logger.warn({ table, rows: rows.length, bytes }, 'a batch for ClickHouse has more than 50 MB: cut smaller ones (batchBytes)')
    const client = compression ? this.#compress() : this.#plain
    // Columns that no row gives have their defaults.
    const given = place.given.size === 0 ? '' : ` (${[...place.given].map(quotedName).join(', ')})`
    const query = statement ?? `INSERT INTO ${quotedName(into)}${given} FORMAT JSONEachRow`
    const sent = { bytes: 0 }
    const values = Readable.from(pieces(lines, sent), { objectMode: false })
    const { stream } = await client.exec({ query, values, clickhouse_settings: settings, abort_signal: signal })
    await readAnswer(stream)
    return sent
  }

  readonly tokens = async ({ table, inserts, signal }: TokensQuestion): Promise<string | undefined> => {
    const version = await this.#versionOf(signal)
    if (!knowsTokens(version)) return `version ${version} knows no de-duplication tokens; ${TOKENS_SINCE.join('.')} is the first that does`
    const [database, name] = table.includes('.') ? table.split('.') : [undefined, table]
    const where = `database = ${database === undefined ? 'currentDatabase()' : text(database)} AND name = ${text(String(name))}`
    const [found] = await this.#rows<TableEngine>(`SELECT engine, engine_full, partition_key FROM system.tables WHERE ${where}`, signal)
    if (found === undefined) return `there is no table '${table}'`
    const [setting] = await this.#rows<{ value: string }>(
      `SELECT value FROM system.replicated_merge_tree_settings WHERE name = 'replicated_deduplication_window'`,
      signal,
    )
    return windowProblem(table, found, { inserts, replicatedDefault: setting === undefined ? undefined : Number(setting.value) })
  }

  async close() {
    await Promise.all([this.#plain.close(), this.#compressing?.close()])
  }

  #compress(): ClickHouseClient {
    this.#compressing ??= createClient({ ...this.#config, compression: { ...this.#config.compression, request: true } })
    return this.#compressing
  }

  #versionOf(signal: AbortSignal): Promise<string> {
    if (this.#version !== undefined) return this.#version
    const asked = this.#rows<{ version: string }>('SELECT version() AS version', signal).then(([row]) => row?.version ?? '')
    this.#version = asked
    asked.catch(() => {
      this.#version = undefined
    })
    return asked
  }

  async #askColumns(table: string, signal: AbortSignal): Promise<ReadonlyMap<string, Column>> {
    const rows = await this.#rows<DescribedColumn>(`DESCRIBE TABLE ${quotedName(table)}`, signal)
    const written = rows.filter(({ default_type: kind }) => kind !== 'MATERIALIZED' && kind !== 'ALIAS')
    return new Map(written.map(({ name, type }) => [name, { type, label: `${JSON.stringify(name)}:` }]))
  }

  async #command(query: string, signal: AbortSignal): Promise<void> {
    const { stream } = await this.#plain.exec({ query, abort_signal: signal })
    await readAnswer(stream)
  }

  async #rows<T>(query: string, signal: AbortSignal): Promise<T[]> {
    const answer = await this.#plain.query({ query, format: 'JSONEachRow', abort_signal: signal })
    return answer.json<T>()
  }
}

/** Lines, gathered to pieces that are worth a write each; counts what they have in UTF-8. */
function* pieces(lines: readonly string[], sent: { bytes: number }): Generator<string> {
  let piece = ''
  for (const line of lines) {
    piece += line
    if (piece.length < PIECE_BYTES) continue
    sent.bytes += Buffer.byteLength(piece)
    yield piece
    piece = ''
  }
  sent.bytes += Buffer.byteLength(piece)
  if (piece !== '') yield piece
}

/** Bytes of lines in UTF-8; 0 where they can't be too many: counting takes time. */
function largeBytes(lines: readonly string[]): number {
  let characters = 0
  for (const line of lines) characters += line.length
  if (characters * MOST_BYTES_A_CHARACTER <= LARGE_BYTES) return 0
  let bytes = 0
  for (const line of lines) bytes += Buffer.byteLength(line)
  return bytes
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

/** Whether the table may have other columns than are known. */
function isSuspect(error: unknown): boolean {
  return error instanceof RowError || clickhouseBlame(error) === 'rows' || SCHEMA_CODES.has(String((error as { code?: unknown }).code))
}
