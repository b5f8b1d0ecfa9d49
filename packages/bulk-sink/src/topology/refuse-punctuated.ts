import { MillraceError } from '@millrace/core'

/** Throws for a row that comes of no record: it has no offset that would come again with it, so that nobody could tell whether it is stored. */
export function refusePunctuated(node: string, offset: number): void {
  if (offset >= 0) return
  const message =
    `Sink '${node}' is exactly once by the offsets of records: it takes no rows of punctuators, which have none. Send what punctuators put out to a topic, and ` +
    'store that; or leave out `exactlyOnce`.'
  throw new MillraceError('ROW_INVALID', message, { stage: 'sink', node })
}
