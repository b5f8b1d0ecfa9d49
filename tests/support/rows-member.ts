import { serdes } from 'millrace'
import { Member } from './member.ts'

/** What the topic holds. */
export const numberSerdes = { key: serdes.nullable(serdes.string), value: serdes.int32 }

/** What a member that stores a row of each number in every table is told when it is started. */
export interface RowsMemberConfig {
  readonly brokers: string
  readonly applicationId: string
  readonly topic: string
  readonly stateDir: string
  readonly sessionTimeoutMs: number
  /** Of PostgreSQL. */
  readonly url: string
  /** Each with a column `id`. */
  readonly tables: readonly string[]
  /** Those that drop repeats by that. */
  readonly keyed: readonly string[]
  readonly exactlyOnce: boolean
  /** Kills itself when the database has so many rows of its in the last table, before the group knows of the last of them. Default: never. */
  readonly killAfterRows?: number | undefined
}

export class RowsMember extends Member<RowsMemberConfig> {
  constructor(config: RowsMemberConfig, folder: string) {
    super(config, 'rows-member', { folder })
  }
}
