import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../run.mjs'
import { cached } from './checkout.mjs'
import { findProgram } from './find-program.mjs'
import { tail } from './setup-error.mjs'

/** What to do where there is none, and it can't be fetched here. */
export const promtoolAdvice =
  'The test of the alert rules needs promtool of Prometheus: install Prometheus (on Debian: apt-get install prometheus), or name the program in PROMTOOL.'

/**
 * The program of Prometheus that tests rules; undefined if there is none.
 * @param {Pick<import('./checkout.mjs').Checkout, 'root' | 'env'>} checkout
 * @returns {string | undefined}
 */
export function findPromtool({ root, env: { PROMTOOL: named, PATH: path } }) {
  return findProgram({ named, names: ['promtool'], path, elsewhere: [join(root, '.cache', 'promtool')] })
}

/**
 * A promtool for the test of the alert rules: where there is none, that of Debian's package, which is not installed, since it would run a server. Without it the
 * set-up goes on, and that test fails and says why.
 * @param {import('./checkout.mjs').Checkout} checkout
 */
export function promtool(checkout) {
  const { env, say } = checkout
  return {
    isDone: () => findPromtool(checkout) !== undefined,
    async run() {
      if ((await run('dpkg-deb', ['--version'], { env })).code !== 0) return say(promtoolAdvice)
      say('fetching promtool, for the test of the alert rules')
      const folder = `${cached(checkout, 'promtool')}.${process.pid}`
      mkdirSync(folder, { recursive: true })
      try {
        const { code, output } = await fetched(folder, env)
        if (code === 0) renameSync(join(folder, 'usr', 'bin', 'promtool'), cached(checkout, 'promtool'))
        else say(`promtool could not be fetched.\n${tail(output, 5)}\n${promtoolAdvice}`)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}

/**
 * Takes it out of the package, in a folder.
 * @param {string} cwd
 * @param {NodeJS.ProcessEnv} env
 */
async function fetched(cwd, env) {
  const download = () => run('apt-get', ['download', 'prometheus'], { cwd, env })
  // The list of packages may be missing, or old.
  let downloaded = await download()
  if (downloaded.code !== 0) {
    await run('apt-get', ['update'], { env })
    downloaded = await download()
  }
  if (downloaded.code !== 0) return downloaded
  return run('sh', ['-c', 'dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool'], { cwd, env })
}
