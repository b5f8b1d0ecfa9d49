import type { BatchOptions } from './batch-options.ts'
import { batchOptionsProblems } from './batch-options-problems.ts'

/** Environment variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

const VARIABLES = {
  size: 'MILLRACE_BATCH_SIZE',
  timeoutMs: 'MILLRACE_BATCH_TIMEOUT_MS',
  maxBytes: 'MILLRACE_MAX_BATCH_BYTES',
  strategy: 'MILLRACE_BATCH_STRATEGY',
  maxRetries: 'MILLRACE_MAX_RETRIES',
} as const satisfies Partial<Record<keyof BatchOptions, string>>

/** The batch options that environment variables give, and what is wrong with them. A variable that is empty is not set. Pure. */
export function batchEnvironment(environment: Environment): { readonly options: BatchOptions; readonly problems: readonly string[] } {
  const given: Record<string, unknown> = {}
  for (const [option, variable] of Object.entries(VARIABLES)) {
    const text = environment[variable]?.trim()
    if (text === undefined || text === '') continue
    // What is no number stays as it is, to be reported.
    given[option] = option !== 'strategy' && /^\d+$/.test(text) ? Number(text) : text
  }
  const options = given as BatchOptions
  const problems = batchOptionsProblems((option) => VARIABLES[option as keyof typeof VARIABLES] ?? option, options)
  return { options, problems }
}
