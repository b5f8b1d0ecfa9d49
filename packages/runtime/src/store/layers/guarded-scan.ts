import type { StoreRow } from '@millrace/core'

/** The rows of a scan as long as `guard` does not throw. */
export async function* guardedScan(scan: AsyncIterable<readonly StoreRow[]>, guard: () => void): AsyncGenerator<readonly StoreRow[]> {
  try {
    for await (const rows of scan) {
      guard()
      yield rows
    }
  } catch (error) {
    // A closed task's backend is closed under its iterations; that is not what its user should hear.
    guard()
    throw error
  }
}
