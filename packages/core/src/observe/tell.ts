import type { Logger } from './logger.ts'

interface Whose {
  readonly name: string
  readonly logger: Logger
}

/** Tells a listener of the user's. What it throws, or rejects with, is logged and dropped: who listens stops nothing. */
export function tell<Args extends readonly unknown[]>(listener: ((...args: Args) => unknown) | undefined, args: Args, whose: Whose): void {
  try {
    heed(listener?.(...args), whose)
  } catch (error) {
    drop(error, whose)
  }
}

/** As {@link tell}, of one thing at a time: for a listener that is told many a second. */
export function teller<Told>(listener: ((told: Told) => unknown) | undefined, whose: Whose): (told: Told) => void {
  if (listener === undefined) return () => undefined
  return (told) => {
    try {
      heed(listener(told), whose)
    } catch (error) {
      drop(error, whose)
    }
  }
}

/** Nobody waits for what an asynchronous listener does; that nobody hears of its rejection either would end the process. */
function heed(answer: unknown, whose: Whose): void {
  if (typeof answer === 'object' && answer !== null) Promise.resolve(answer).catch((error: unknown) => drop(error, whose))
}

function drop(error: unknown, { name, logger }: Whose): void {
  logger.warn({ err: error }, `${name} threw`)
}
