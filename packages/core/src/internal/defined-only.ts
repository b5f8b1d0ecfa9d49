/** Options without those that are undefined. */
type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

/** A copy without what is undefined, so that it can be laid over defaults. */
export function definedOnly<T extends object>(options: T | undefined): Defined<T> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined)) as Defined<T>
}
