/** What a member of a group that stores rows is told. */
export interface RowsMemberConfig {
  readonly brokers: string
  readonly client: 'packed' | 'confluent'
  readonly applicationId: string
  readonly topic: string
  readonly url: string
  readonly table: string
  readonly exactlyOnce: boolean
  readonly stateDir: string
}

/** What it tells: tasks that it was given, or records whose offsets it has committed. */
export interface RowsReport {
  readonly given?: number
  readonly committed?: number
}
