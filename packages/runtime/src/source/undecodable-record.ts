import { type ErrorDetails, MillraceError } from '@millrace/core'

/** What of a record can't be had of its bytes. */
export type UndecodablePart = 'key' | 'value' | 'timestamp'

/** Why a record can't be processed. */
export class UndecodableRecord extends MillraceError {
  readonly part: UndecodablePart

  constructor(part: UndecodablePart, message: string, details: Omit<ErrorDetails, 'stage'>) {
    super('RECORD_UNDECODABLE', message, { ...details, stage: 'source' })
    this.part = part
  }
}
