import type { BatchOptions, BatchPreset } from './batch-options.ts'

/** What the presets stand for. */
export const BATCH_PRESETS: Readonly<Record<BatchPreset, Required<Pick<BatchOptions, 'size' | 'timeoutMs' | 'maxRetries'>>>> =
  Object.freeze({
    conservative: Object.freeze({ size: 50, timeoutMs: 1_000, maxRetries: 3 }),
    balanced: Object.freeze({ size: 250, timeoutMs: 5_000, maxRetries: 3 }),
    aggressive: Object.freeze({ size: 1_000, timeoutMs: 10_000, maxRetries: 5 }),
  })
