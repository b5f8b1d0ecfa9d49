import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { manifest, workspacePackages } from './checkout.mjs'
import { pnpm, pnpmVersion } from './pnpm.mjs'
import { SetupError, tail } from './setup-error.mjs'
import { fingerprint, stamp } from './stamp.mjs'

/**
 * The dependencies of the lock file. No package's install script runs (see pnpm-workspace.yaml), so this step needs no compiler.
 * @param {import('./checkout.mjs').Checkout} checkout
 */
export function dependencies(checkout) {
  const { root, say } = checkout
  const folders = [root, ...workspacePackages(root)]
  // Inside what it vouches for: who deletes node_modules deletes the stamp.
  const done = stamp(join(root, 'node_modules', '.set-up'))
  const key = () =>
    fingerprint(
      [...folders.map((folder) => join(folder, 'package.json')), join(root, 'pnpm-lock.yaml'), join(root, 'pnpm-workspace.yaml')],
      `${pnpmVersion(root)} ${process.platform} ${process.arch}`,
    )
  return {
    isDone: () => done.vouchesFor(key()) && folders.every(isInstalled),
    async run() {
      say('installing dependencies')
      done.clear()
      const { code, output } = await pnpm(checkout, ['install', '--config.confirm-modules-purge=false'])
      if (code !== 0) {
        throw new SetupError(
          `The dependencies could not be installed. Check the network and 'npm config get registry', then run this again.\n${tail(output)}`,
        )
      }
      done.set(key())
    },
  }
}

/** @param {string} folder */
function isInstalled(folder) {
  const { dependencies: needed, devDependencies: neededHere } = manifest(folder)
  const count = Object.keys({ ...needed, ...neededHere }).length
  return count === 0 || existsSync(join(folder, 'node_modules'))
}
