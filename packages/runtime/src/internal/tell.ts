import type { Logger } from '@millrace/core'

/** Tells a listener of the user's. What it throws is logged and dropped: who listens stops nothing. */
export function tell<Args extends readonly unknown[]>(
  listener: ((...args: Args) => void) | undefined,
  args: Args,
  whose: { readonly name: string; readonly logger: Logger },
): void {
  try {
    listener?.(...args)
  } catch (error) {
    whose.logger.warn({ err: error }, `${whose.name} threw`)
  }
}
