import { type Clock, settledWithin } from '@millrace/core'
import { PackedError } from '../errors/packed-error.ts'

/** For how long a broker is waited for until it is looked whether it is still the one to ask, in milliseconds. */
const SILENCE_MS = 1_000

/**
 * What one broker answers, as long as it is the one to ask: one that is frozen keeps its connections, and answers nothing, long after another does its work. While
 * it is silent `isTheOne` is asked again and again; who can't say counts as yes. Rejects with a retriable `PackedError` once it is not; what was asked goes on.
 */
export async function unlessMoved<T>(asked: Promise<T>, clock: Clock, isTheOne: () => Promise<boolean>): Promise<T> {
  const settled = asked.then(yes, yes)
  while (!(await settledWithin(settled, SILENCE_MS, clock))) {
    if (!(await Promise.race([settled, isTheOne().catch(yes)])))
      throw new PackedError('The broker that was asked is silent, and not the one to ask any more.', { kind: 'timed-out' })
  }
  return asked
}

function yes(): boolean {
  return true
}
