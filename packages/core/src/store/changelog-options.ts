/** How a store's changelog differs from what Millrace makes. One of the two. */
export interface ChangelogOptions {
  /**
   * Kafka's settings of the topic, such as `min.cleanable.dirty.ratio`: over Millrace's own. They count when the topic is created. Those by which state
   * would be lost make the definition throw a `TypeError`: another `cleanup.policy` than the store's kind needs, another `message.timestamp.type` than
   * `CreateTime`, and of windows and sessions a `retention.ms` below the store's, or any `retention.bytes`.
   */
  readonly settings?: Readonly<Record<string, string>> | undefined
  /**
   * An input topic that holds the same entries, as a compacted table does: its key and its value, byte for byte, are what the store is to hold after
   * each record. It is restored from, up to what is committed, and nothing is written.
   */
  readonly sourceTopic?: string | undefined
}
