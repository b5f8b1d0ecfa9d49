import type {
  AppHealth,
  BatchingChange,
  GroupDescription,
  KeyLocation,
  PartitionLag,
  ReadOnlyOf,
  StoreDefinition,
  StoreSize,
} from '@millrace/core'

/** What is asked of an application: `start` gives one. */
export interface ObservedApp {
  /** How it is. */
  health(): AppHealth
  /** What costs a question to a broker or a store. */
  readonly inspect: {
    lag(): Promise<readonly PartitionLag[]>
    stores(): Promise<readonly StoreSize[]>
    group(): Promise<GroupDescription>
    locate(store: string, key: unknown): Promise<KeyLocation>
  }
  /** Committed state. */
  store<S>(store: StoreDefinition<S>, options?: { readonly whileRestoring?: 'serve' | 'refuse' | undefined }): ReadOnlyOf<S>
  /** Changes batch options. Throws a `TypeError` for those that are wrong. */
  updateBatching(change: BatchingChange): void
}
