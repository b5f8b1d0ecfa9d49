/** A topic of the application's own, as the topology needs it, or an input that stands in for one. */
export interface InternalTopic {
  readonly topic: string
  /** `table`: an input topic that a store is restored from; it exists, and its settings are its owner's. */
  readonly kind: 'changelog' | 'repartition' | 'table'
  readonly partitions: number
  /** Settings that it is created with; if it exists they are compared (`checkTopicSettings`). */
  readonly config: Readonly<Record<string, string>>
  readonly exists: boolean
}

/** Kafka Streams' settings: what has been read is deleted by us, and nothing else deletes it. */
export const REPARTITION_CONFIG: InternalTopic['config'] = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'segment.bytes': '52428800',
  'message.timestamp.type': 'CreateTime',
}
