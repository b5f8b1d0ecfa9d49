/** Where a source begins when its group has no committed offset: the first record, the end, or the first record at or after a date. */
export type StartAt = 'earliest' | 'latest' | Date
