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

/** JSON of anything that a result may hold: whole numbers that JavaScript's numbers can't hold become text. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one), indent) ?? 'null'
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
