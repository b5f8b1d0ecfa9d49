/** What of `pg` statements are sent by. */
export interface Queryable {
  query(query: {
    readonly text: string
    readonly name?: string
    readonly values?: unknown[]
  }): Promise<{ readonly rows: readonly unknown[]; readonly rowCount: number | null }>
}
