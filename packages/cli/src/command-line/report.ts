import { type Logger, silentLogger } from '@millrace/core'
import { type Colors, colorsFor } from './colours.ts'
import type { Environment, TextOutput } from './environment.ts'
import { codeOf, failureLine } from './failure-line.ts'

/** The options that every command has. */
export interface CommonOptions {
  readonly json?: boolean | undefined
  readonly verbose?: boolean | undefined
}

/** What a command says, and how: results on standard output, all else on standard error. */
export class Report {
  readonly json: boolean
  readonly colors: Colors
  /** For libraries: silent unless `--verbose`. */
  readonly logger: Logger
  readonly #environment: Environment
  readonly #verbose: boolean

  constructor(environment: Environment, { json = false, verbose = false }: CommonOptions) {
    this.#environment = environment
    this.json = json
    this.#verbose = verbose
    this.colors = colorsFor(environment)
    this.logger = verbose ? loggerOn(environment.stderr) : silentLogger
  }

  /** The answer: `value` with `--json`, else what `text` makes of it. */
  async result(value: unknown, text: () => string): Promise<void> {
    await this.#environment.stdout.write(this.json ? `${jsonText(value, 2)}\n` : text())
  }

  /** One of several answers: a line of JSON, or text. */
  async line(value: unknown, text: () => string): Promise<void> {
    await this.#environment.stdout.write(`${this.json ? jsonText(value) : text()}\n`)
  }

  /** What a person should know, and a program need not. */
  async note(line: string): Promise<void> {
    await this.#environment.stderr.write(`millrace: ${line}\n`)
  }

  /** How it ended, where it did not end well: one line, and the stack with `--verbose`. */
  async failure(error: unknown, hint = ''): Promise<void> {
    const message = `${failureLine(error)}${hint}`
    const line = this.json ? `${jsonText({ error: { code: codeOf(error) ?? nameOf(error), message } })}\n` : `millrace: ${message}\n`
    const stack = this.#verbose && error instanceof Error && error.stack !== undefined ? `${error.stack}\n` : ''
    await this.#environment.stderr.write(`${line}${stack}`)
  }
}

/** JSON of anything that a result may hold: big integers become text, bytes base64, maps and sets lists. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, jsonSafe, indent) ?? 'null'
}

function jsonSafe(this: unknown, name: string, value: unknown): unknown {
  // A buffer has said what it is by itself before this is asked.
  const own = (this as Readonly<Record<string, unknown>>)[name]
  if (own instanceof Uint8Array) return { base64: Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString('base64') }
  if (typeof value === 'bigint') return String(value)
  return value instanceof Map || value instanceof Set ? [...(value as Iterable<unknown>)] : value
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error'
}

function loggerOn(stderr: TextOutput): Logger {
  const entry = (level: string) => (fields: object, message: string) => {
    const { err, ...others } = fields as { readonly err?: unknown }
    const told = { ...others, ...(err !== undefined && { error: failureLine(err) }) }
    void stderr.write(`${level} ${message}${Object.keys(told).length === 0 ? '' : ` ${jsonText(told)}`}\n`)
  }
  return { debug: entry('debug'), info: entry('info'), warn: entry('warn'), error: entry('error') }
}
