import type { BytesColumn, ReadOnlyStore, StoreChange } from '@millrace/core'
export interface TaskStore {
  readonly handle: unknown
  readonly committed: ReadOnlyStore<unknown, unknown>
  readonly uncommittedBytes: number
  begin(): void
  succeed(): void
  rollback(): void
  seal(): { length: number; keys: BytesColumn; values: BytesColumn; timestamps: ArrayLike<number> } | undefined
  persist(metadata: Uint8Array): Promise<void>
  restore(changes: readonly StoreChange[], metadata: Uint8Array): Promise<void>
  metadata(): Promise<Uint8Array | undefined>
  discard(): void
  close(): Promise<void>
}
export function openTaskStore(_options: unknown): Promise<TaskStore> {
  return Promise.reject(new Error('placeholder'))
}
