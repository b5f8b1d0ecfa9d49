import type { Clock } from '@millrace/core'
import type { Cluster } from '../cluster/cluster.ts'
import type { ResolvedConnectOptions } from '../cluster/connection-options.ts'

/** What every call of an admin needs. */
export interface AdminContext {
  readonly cluster: Cluster
  readonly options: ResolvedConnectOptions
  readonly clock: Clock
}
