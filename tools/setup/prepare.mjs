import { root } from '../paths.mjs'
import { say } from '../say.mjs'
import { setUp } from './set-up.mjs'
import { SetupError } from './setup-error.mjs'

/**
 * Sets this checkout up, as the first thing one of its programs does. What can't be had ends the program, in words.
 * @param {import('./set-up.mjs').Needs} needs
 */
export async function prepare(needs) {
  const endOnSignal = () => process.exit(130)
  process.on('SIGINT', endOnSignal).on('SIGTERM', endOnSignal)
  try {
    await setUp({ root, env: process.env, say: (message) => say(`set-up: ${message}`) }, needs)
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    say(`set-up: ${error.message}`)
    process.exit(1)
  } finally {
    process.off('SIGINT', endOnSignal).off('SIGTERM', endOnSignal)
  }
}
