import type { RuntimeEvent } from 'millrace'

export interface JoinConfig {
  readonly brokers: string
  readonly applicationId: string
  readonly topics: { readonly left: string; readonly right: string; readonly output: string }
  readonly stateDir: string
  readonly groupProtocol: 'classic' | 'consumer'
  readonly sessionTimeoutMs: number
  /** Whether the transport is asked to keep the same partition of both topics on one member, as it always is outside of this test. */
  readonly coLocate: boolean
}

export type JoinMessage =
  | { readonly type: 'event'; readonly event: RuntimeEvent }
  /** With the reason, if it could not. */
  | { readonly type: 'caught-up'; readonly error?: string }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
