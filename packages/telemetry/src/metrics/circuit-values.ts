import type { CircuitState } from '@millrace/core'

/** Circuit breakers as numbers, for gauges. */
export const CIRCUIT_VALUES: Readonly<Record<CircuitState, number>> = { closed: 0, 'half-open': 1, open: 2 }
