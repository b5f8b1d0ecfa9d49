import { browser } from './browser.mjs'
import { builtPackages } from './build-packages.mjs'
import { cached } from './checkout.mjs'
import { provideDatabaseServers } from './database-servers.mjs'
import { dependencies } from './install-dependencies.mjs'
import { withLock } from './lock.mjs'
import { nativeClient } from './native-client.mjs'
import { promtool } from './promtool.mjs'
import { SetupError } from './setup-error.mjs'

/**
 * @typedef {object} Needs
 * @property {'required' | 'wanted' | 'unneeded'} native The native Kafka client. Wanted: without it one line says so and the rest
 *   goes on; why it failed is remembered, and it is not tried again until it is required.
 * @property {boolean} build
 * @property {boolean} [browser] A Chromium. Without it one line says so and the rest goes on. Default: false.
 * @property {boolean} [promtool] The program that tests rules of Prometheus. Without it one line says so and the rest goes on. Default: false.
 * @property {boolean} [databases] Servers of databases, for tests. Default: false.
 */

/**
 * Brings a checkout from a fresh clone to where its programs run. What is there already is not done again, and each step either
 * completes or leaves nothing that counts as done.
 * @param {import('./checkout.mjs').Checkout} checkout
 * @param {Needs} needs
 */
export async function setUp(checkout, needs) {
  requireNode(process.versions.node)
  const lock = cached(checkout, 'set-up.lock')
  if (!isSetUp(checkout, needs)) await withLock(lock, () => runSteps(checkout, needs), checkout.say)
  if (needs.databases === true) await withLock(lock, () => provideDatabaseServers(checkout), checkout.say)
}

/**
 * @param {import('./checkout.mjs').Checkout} checkout
 * @param {Needs} needs
 */
function isSetUp(checkout, { native, build, browser: wanted, promtool: asked }) {
  if (!dependencies(checkout).isDone()) return false
  if (build && !builtPackages(checkout).isDone()) return false
  if (wanted && !browser(checkout).isDone()) return false
  if (asked && !promtool(checkout).isDone()) return false
  return native === 'unneeded' || nativeClient(checkout).isDone()
}

/**
 * @param {import('./checkout.mjs').Checkout} checkout
 * @param {Needs} needs
 */
async function runSteps(checkout, { native, build, browser: wanted, promtool: asked }) {
  await unlessDone(dependencies(checkout))
  if (native !== 'unneeded') await provideNativeClient(checkout, native === 'required')
  if (wanted) await unlessDone(browser(checkout))
  if (asked) await unlessDone(promtool(checkout))
  if (build) await unlessDone(builtPackages(checkout))
}

/**
 * @param {import('./checkout.mjs').Checkout} checkout
 * @param {boolean} required
 */
async function provideNativeClient(checkout, required) {
  const client = nativeClient(checkout)
  if (client.isDone()) return
  const without = 'going on without Kafka: only the embedded log will work'
  if (!required && client.failedBefore() !== undefined) {
    checkout.say(`the native Kafka client could not be built the last time; ${without} (npm run setup tries again)`)
    return
  }
  try {
    await client.run()
  } catch (error) {
    if (required || !(error instanceof SetupError)) throw error
    checkout.say(`${error.message}\n${without}`)
  }
}

/** @param {{ isDone: () => boolean, run: () => Promise<void> }} step */
async function unlessDone(step) {
  if (!step.isDone()) await step.run()
}

/** @param {string} version */
function requireNode(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) throw new SetupError(`Node 20.19 or newer is needed; this is ${version}.`)
}
