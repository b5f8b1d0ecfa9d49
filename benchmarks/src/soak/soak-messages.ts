import type { ProgramConfig } from '../kafka/programs/program-config.ts'

/** What the program of a soak is told. */
export interface SoakConfig {
  readonly program: ProgramConfig
  readonly client: 'packed' | 'confluent'
  /** After these it ends, as soon as it has read the topic to its end. */
  readonly minutes: number
}

/** What it tells by its channel. */
export type SoakMessage =
  /** What it has, in bytes: every second. */
  | { readonly type: 'memory'; readonly atMs: number; readonly residentBytes: number }
  /**
   * The topic was read once more, in `ms` from the start of the application. `counted`: the counts of all keys together. `liveBytes`: heap, and what is held outside of it, after
   * a collection.
   */
  | { readonly type: 'round'; readonly round: number; readonly ms: number; readonly counted: number; readonly liveBytes: number }
