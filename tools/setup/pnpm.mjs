import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { run } from '../run.mjs'
import { cached, manifest } from './checkout.mjs'
import { SetupError, tail } from './setup-error.mjs'

/**
 * A folder to put first on PATH, in which `pnpm` is the very version this workspace names; undefined if the user's own pnpm is it.
 * Another version on PATH is left alone: ours is fetched into the checkout, never installed for the whole machine.
 * @param {import('./checkout.mjs').Checkout} checkout
 * @returns {Promise<string | undefined>}
 */
async function pnpmFolder(checkout) {
  const version = pnpmVersion(checkout.root)
  const folder = cached(checkout, `pnpm-${version}`)
  const bin = join(folder, 'node_modules', '.bin')
  if (existsSync(folder)) return bin
  if ((await versionOnPath(checkout)) === version) return undefined

  checkout.say(`fetching pnpm ${version} (into this folder only)`)
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  // Its own manifest, or npm would take the checkout for the project to install into.
  writeFileSync(join(partial, 'package.json'), '{ "private": true }\n')
  const { code, output } = await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `pnpm@${version}`], {
    cwd: partial,
    env: quietless(checkout.env),
  })
  if (code !== 0) {
    throw new SetupError(
      `pnpm ${version} could not be fetched with npm. Check the network and 'npm config get registry', or install it yourself: npm install --global pnpm@${version}\n${tail(output)}`,
    )
  }
  renameSync(partial, folder)
  return bin
}

/**
 * Runs pnpm in the checkout.
 * @param {import('./checkout.mjs').Checkout} checkout
 * @param {readonly string[]} args
 */
export async function pnpm(checkout, args) {
  const folder = await pnpmFolder(checkout)
  const env = quietless(checkout.env)
  if (folder !== undefined) env['PATH'] = `${folder}${delimiter}${env['PATH'] ?? ''}`
  return run(folder === undefined ? 'pnpm' : join(folder, 'pnpm'), args, { cwd: checkout.root, env })
}

/** @param {string} root */
export function pnpmVersion(root) {
  const version = /^pnpm@([^+]+)/.exec(manifest(root).packageManager ?? '')?.[1]
  if (version === undefined) throw new SetupError('package.json names no pnpm in "packageManager".')
  return version
}

/** @param {import('./checkout.mjs').Checkout} checkout */
async function versionOnPath({ env }) {
  // Asked from elsewhere and without network: Corepack's stand-in would fetch what the folder it is asked in names.
  const { code, output } = await run('pnpm', ['--version'], { cwd: tmpdir(), env: { ...env, COREPACK_ENABLE_NETWORK: '0' } })
  return code === 0 ? output.trim() : undefined
}

/**
 * `npm run` hands its log level on, and the workspace sets it to silent: a failing step would not say why.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
function quietless(env) {
  const { npm_config_loglevel: _, ...others } = env
  return others
}
