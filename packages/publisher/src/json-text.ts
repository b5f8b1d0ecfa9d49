import { describeValue } from '@millrace/core'

/** The JSON of a payload. Throws a `TypeError` for one that has none. */
export function jsonText(payload: unknown): string {
  const text: string | undefined = JSON.stringify(payload)
  if (text === undefined) throw new TypeError(`JSON has nothing for ${describeValue(payload)}.`)
  return text
}
