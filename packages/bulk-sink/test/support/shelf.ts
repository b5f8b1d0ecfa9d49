import type { Blame, DriverFactory, InsertRequest, Row } from '../../src/index.ts'

/** What an insert fails with. */
export class Refusal extends Error {
  readonly to: Blame

  constructor(to: Blame, message = 'refused') {
    super(message)
    this.to = to
  }
}

/** A database of the tests: keeps rows in memory, and fails or waits when it is told to. */
export class Shelf {
  readonly inserts: InsertRequest[] = []
  /** What was asked whether it could be stored. */
  readonly checks: InsertRequest[] = []
  readonly #tables = new Map<string, Row[]>()
  /** Called before each insert: throws to make it fail, or waits. */
  before: (request: InsertRequest) => void | Promise<void> = () => undefined
  closed = false

  readonly #knowsTokens: boolean
  readonly #seen = new Set<string>()

  constructor({ tokens = false }: { readonly tokens?: boolean } = {}) {
    this.#knowsTokens = tokens
  }

  readonly driver: DriverFactory = () => ({
    tokens: async () => (this.#knowsTokens ? undefined : 'a shelf keeps no tokens'),
    name: 'shelf',
    blame: (error) => (error instanceof Refusal ? error.to : 'unknown'),
    insert: async (request) => {
      this.inserts.push(request)
      await this.before(request)
      if (this.#knowsTokens && this.#seen.has(request.token)) return { bytes: 0 }
      this.#seen.add(request.token)
      const rows = this.#tables.get(request.table) ?? []
      this.#tables.set(request.table, [...rows, ...request.rows])
      return { bytes: request.bytes }
    },
    check: async (request) => {
      this.checks.push(request)
      await this.before(request)
    },
    close: async () => {
      this.closed = true
    },
  })

  /** The ids of a table's rows, in the order in which they came. */
  ids(table: string): unknown[] {
    return (this.#tables.get(table) ?? []).map(({ id }) => id)
  }

  /** How many rows each insert had. */
  get sizes(): number[] {
    return this.inserts.map(({ rows }) => rows.length)
  }
}

/** Numbers from 0. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** Lets everything run that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** A promise with what ends it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
