import { createHash } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, extname, join } from 'node:path'
import { run } from '../run.mjs'
import { cached } from './checkout.mjs'
import { buildPackages, installDebianPackages, missingDebianPackages } from './debian-packages.mjs'
import { nodeHeaders } from './node-headers.mjs'
import { SetupError, tail } from './setup-error.mjs'

const fetchLimitMs = 120_000

/**
 * Where this try builds the client: in the checkout, or, since make and the client's own build take a space for the end of a path, in
 * the temporary folder. Each try has a folder of its own: of one that was killed, a compiler may still be writing.
 * @param {import('./checkout.mjs').Checkout} checkout
 * @param {string} [temporary]
 */
export function buildFolder(checkout, temporary = tmpdir()) {
  const inside = cached(checkout, 'native-client')
  const outside = `millrace-native-client-${createHash('sha256').update(checkout.root).digest('hex').slice(0, 12)}`
  const base = isPlain(inside) ? inside : join(isPlain(temporary) ? temporary : '/tmp', outside)
  return `${base}.${process.pid}`
}

/**
 * Deletes what this try and earlier ones left, as far as nobody still writes there.
 * @param {string} folder
 */
export function clearTries(folder) {
  const place = dirname(folder)
  const tries = `${basename(folder, extname(folder))}.`
  for (const name of existsSync(place) ? readdirSync(place) : []) {
    if (name.startsWith(tries)) tryToDelete(join(place, name))
  }
}

/** @param {string} folder */
function tryToDelete(folder) {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 2 })
  } catch {
    // The next try deletes it.
  }
}

/** @param {string} path */
function isPlain(path) {
  return /^[\w/.+@-]+$/.test(path)
}

/**
 * The binary its authors publish for this system and Node. False if it can't be had: there may be none, or no way to it.
 * @param {import('./checkout.mjs').Checkout} checkout
 * @param {{ folder: string, aside: string }} where
 */
export async function fetchPrebuilt({ env }, { folder, aside }) {
  const nodePreGyp = createRequire(join(folder, 'package.json')).resolve('@mapbox/node-pre-gyp/bin/node-pre-gyp')
  const { code } = await run(process.execPath, [nodePreGyp, 'install'], { cwd: aside, env, timeoutMs: fetchLimitMs })
  return code === 0
}

/**
 * Compiles against the system's libraries: the client's other way downloads the sources of each of them.
 * @param {import('./checkout.mjs').Checkout} checkout
 * @param {string} aside
 */
export async function buildFromSource(checkout, aside) {
  await provideBuildTools(checkout)
  const { JOBS: _, ...env } = checkout.env // Its makefile races when told to work in parallel.
  const headers = nodeHeaders()
  const nodeGyp = createRequire(join(checkout.root, 'package.json')).resolve('node-gyp/bin/node-gyp.js')
  const { code, output } = await run(process.execPath, [nodeGyp, 'rebuild'], {
    cwd: aside,
    env: { ...env, CKJS_LINKING: 'dynamic', ...(headers !== undefined && { npm_config_nodedir: headers }) },
  })
  if (code !== 0) {
    throw new SetupError(
      `The native Kafka client could not be built from source. It needs a C++20 compiler, make, Python 3, the headers of this Node, and the development files of OpenSSL, curl, SASL, zstd and zlib.\n${tail(output)}`,
    )
  }
}

/**
 * Root on Debian gets what is missing. Anybody else is told.
 * @param {import('./checkout.mjs').Checkout} checkout
 */
async function provideBuildTools({ env, say }) {
  const missing = await missingDebianPackages(buildPackages, env)
  if (missing === undefined || missing.length === 0) return
  const command = `apt-get install --yes ${missing.join(' ')}`
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `Building the native Kafka client needs packages that are not installed. Install them, then run this again:\n  sudo ${command}`,
    )
  }
  say(`installing what the build needs: ${missing.join(' ')}`)
  const { code, output } = await installDebianPackages(missing, env)
  if (code !== 0)
    throw new SetupError(`Building the native Kafka client needs packages that could not be installed: ${command}\n${tail(output)}`)
}
