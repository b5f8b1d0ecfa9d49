/** What a failure may do to results: `at-least-once` may repeat them, `exactly-once` neither loses nor repeats. */
export type ProcessingGuarantee = 'at-least-once' | 'exactly-once'
