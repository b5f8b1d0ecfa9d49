import type { StoreBackend } from '@millrace/core'
import type { StoreBench } from './store-bench.ts'

/** A place for one store, empty at first. Thrown away after each case. */
export interface StoreUnderTest {
  /** Opens the store. Called again after a close, for the same place. */
  open(): Promise<StoreBackend>
  /** Damages what is stored so that it can't be opened. Called while the store is closed. Needed for `damageable`. */
  damage?(): Promise<void>
  /** Removes the place. The store is closed by then. */
  remove?(): Promise<void>
}

/** One promise of the backend's contract, with the steps that hold a backend to it. */
export interface StoreConformanceCase {
  readonly name: string
  /** Rejects if the promise is broken. */
  readonly run: (bench: StoreBench) => Promise<void>
}
