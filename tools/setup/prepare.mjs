import { root } from '../paths.mjs'
import { say } from '../say.mjs'
import { setUp } from './set-up.mjs'
import { SetupError } from './setup-error.mjs'

const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])

/**
 * Sets this checkout up, as the first thing one of its programs does. What can't be had ends the program, in words.
 * @param {import('./set-up.mjs').Needs} needs
 */
export async function prepare(needs) {
  const end = () => process.exit(130)
  for (const signal of signals) process.on(signal, end)
  try {
    await setUp({ root, env: process.env, say: (message) => say(`set-up: ${message}`) }, needs)
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    say(`set-up: ${error.message}`)
    process.exit(1)
  } finally {
    for (const signal of signals) process.off(signal, end)
  }
}
