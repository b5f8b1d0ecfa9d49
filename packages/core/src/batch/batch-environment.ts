import type { BatchOptions } from './batch-options.ts'
import { batchOptionsProblems } from './batch-options-problems.ts'
import { type Environment, environmentValues } from './environment-values.ts'

const VARIABLES = {
  size: 'MILLRACE_BATCH_SIZE',
  timeoutMs: 'MILLRACE_BATCH_TIMEOUT_MS',
  maxBytes: 'MILLRACE_MAX_BATCH_BYTES',
  strategy: 'MILLRACE_BATCH_STRATEGY',
  maxRetries: 'MILLRACE_MAX_RETRIES',
} as const satisfies Partial<Record<keyof BatchOptions, string>>

/** The batch options that environment variables give, and what is wrong with them. A variable that is empty is not set. Pure. */
export function batchEnvironment(environment: Environment): { readonly options: BatchOptions; readonly problems: readonly string[] } {
  const options = environmentValues(environment, VARIABLES, { texts: ['strategy'] }) as BatchOptions
  const problems = batchOptionsProblems((option) => VARIABLES[option as keyof typeof VARIABLES] ?? option, options)
  return { options, problems }
}
