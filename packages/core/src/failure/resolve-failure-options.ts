import { definedOnly } from '../internal/defined-only.ts'
import type {
  CircuitBreakerOptions,
  FailureOptions,
  ResolvedCircuitBreakerOptions,
  ResolvedDeadLetterOptions,
  ResolvedFailureOptions,
  ResolvedRetryOptions,
} from './failure-options.ts'

const DEFAULT_RETRY: ResolvedRetryOptions = Object.freeze({
  initialDelayMs: 100,
  maxDelayMs: 30_000,
  factor: 2,
  jitter: 0.5,
  nonRetryable: Object.freeze([]),
})

const DEFAULT_DEAD_LETTER: ResolvedDeadLetterOptions = Object.freeze({ topic: undefined, headerStyle: 'streams', maxStackBytes: 4_096 })

/** What an empty `circuitBreaker: {}` means. */
const DEFAULT_CIRCUIT_BREAKER: ResolvedCircuitBreakerOptions = Object.freeze({ threshold: 0.5, window: 20, minimum: 5, openMs: 30_000 })

/** All or nothing; waits of 100 ms, doubled up to 30 s, less up to half by chance; `fail` at each stage; no dead-letter topic; no circuit breaker. */
export const DEFAULT_FAILURE_OPTIONS: ResolvedFailureOptions = Object.freeze({
  acknowledgement: 'all-or-nothing',
  retry: DEFAULT_RETRY,
  decode: 'fail',
  process: 'fail',
  produce: 'fail',
  deadLetter: DEFAULT_DEAD_LETTER,
  handleDeadLetter: undefined,
  circuitBreaker: false,
})

/** Fills in every default of options without problems. */
export function resolveFailureOptions(options: FailureOptions | undefined): ResolvedFailureOptions {
  if (options === undefined) return DEFAULT_FAILURE_OPTIONS
  const { retry, deadLetter, circuitBreaker, ...others } = options
  return Object.freeze({
    ...DEFAULT_FAILURE_OPTIONS,
    ...definedOnly(others),
    retry: Object.freeze({ ...DEFAULT_RETRY, ...definedOnly(retry) }),
    deadLetter: Object.freeze({ ...DEFAULT_DEAD_LETTER, ...definedOnly(deadLetter) }),
    circuitBreaker: resolveCircuitBreaker(circuitBreaker),
  })
}

function resolveCircuitBreaker(options: CircuitBreakerOptions | false | undefined): ResolvedCircuitBreakerOptions | false {
  if (options === undefined || options === false) return false
  const resolved = { ...DEFAULT_CIRCUIT_BREAKER, ...definedOnly(options) }
  return Object.freeze({ ...resolved, minimum: options.minimum ?? Math.min(resolved.minimum, resolved.window) })
}
