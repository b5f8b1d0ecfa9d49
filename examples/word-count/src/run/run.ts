import type { Logger } from 'millrace'
import type { Settings } from '../command-line/settings.ts'

/** What a run is given. */
export interface Run {
  readonly settings: Settings
  readonly logger: Logger
  /** Aborted when the count is to stop. */
  readonly stop: AbortSignal
  /** Tells whoever started the program something in one line. */
  readonly say: (line: string) => void
}
