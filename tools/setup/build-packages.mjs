import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cached, filesBelow, manifest, workspacePackages } from './checkout.mjs'
import { pnpm } from './pnpm.mjs'
import { SetupError, tail } from './setup-error.mjs'
import { fingerprint, stamp } from './stamp.mjs'

/**
 * The packages as their users get them: `dist` in each. Tests and type checks don't need it; programs started with plain Node do.
 * @param {import('./checkout.mjs').Checkout} checkout
 */
export function builtPackages(checkout) {
  const { root, say } = checkout
  const folders = workspacePackages(root).filter((folder) => manifest(folder).scripts?.['build'] !== undefined)
  const done = stamp(cached(checkout, 'built'))
  const key = () =>
    fingerprint([
      ...filesBelow(folders.flatMap((folder) => ['src', 'dashboard'].map((name) => join(folder, name)))),
      ...folders.flatMap((folder) => ['package.json', 'tsconfig.build.json'].map((name) => join(folder, name))),
      ...['turbo.json', 'tsconfig.base.json', 'tsconfig.build.base.json', 'pnpm-lock.yaml'].map((name) => join(root, name)),
    ])
  return {
    isDone: () => folders.every((folder) => existsSync(join(folder, 'dist'))) && done.vouchesFor(key()),
    async run() {
      say('building the packages')
      done.clear()
      const builtFrom = key()
      const quiet = { ...checkout, env: { ...checkout.env, TURBO_TELEMETRY_DISABLED: '1' } }
      const { code, output } = await pnpm(quiet, ['exec', 'turbo', 'run', 'build', '--output-logs=errors-only'])
      if (code !== 0) throw new SetupError(`The packages could not be built.\n${tail(output, 60)}`)
      done.set(builtFrom)
    },
  }
}
