import type { Logger } from './logger.ts'

interface Whose {
  readonly name: string
  readonly logger: Logger
}

/** Tells a listener of the user's. What it throws, or rejects with, is logged and dropped: who listens stops nothing. */
export function tell<Args extends readonly unknown[]>(listener: ((...args: Args) => unknown) | undefined, args: Args, whose: Whose): void {
  try {
    const answer = listener?.(...args)
    // Nobody waits for what an asynchronous listener does; that nobody hears of its rejection either would end the process.
    if (typeof answer === 'object' && answer !== null) Promise.resolve(answer).catch((error: unknown) => drop(error, whose))
  } catch (error) {
    drop(error, whose)
  }
}

function drop(error: unknown, { name, logger }: Whose): void {
  logger.warn({ err: error }, `${name} threw`)
}
