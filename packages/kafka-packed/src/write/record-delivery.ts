import type { PackedError } from '../errors/packed-error.ts'

/** What became of one record: where it is, or why it may not be there. */
export type RecordDelivery =
  | {
      readonly partition: number
      /** -1 where the broker knew the record from an earlier attempt and did not say where it is. */
      readonly offset: number
      /** None: the record is in its topic. */
      readonly error?: undefined
    }
  | {
      readonly partition: number
      /** Why the record is not in its topic, or may not be: whether it may be is the error's to say. */
      readonly error: PackedError
    }

/** Told once of each record of a call to `write`, by its row. It must not throw: nothing can be written any more then. */
export type OnDelivered = (row: number, delivery: RecordDelivery) => void

/** One record of a batch that somebody waits for. */
export interface AwaitedRecord {
  readonly row: number
  readonly onDelivered: OnDelivered
}
