import { run } from '../run.mjs'

/** What building the Kafka client from source needs on Debian and its kin. */
export const buildPackages = [
  ...['g++', 'make', 'python3'],
  ...['libcurl4-openssl-dev', 'libsasl2-dev', 'libssl-dev', 'libzstd-dev', 'zlib1g-dev'],
]

/**
 * Which of these packages are not installed; undefined where there is no dpkg to ask.
 * @param {readonly string[]} packages
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<string[] | undefined>}
 */
export async function missingDebianPackages(packages, env) {
  const { code, output } = await run('dpkg-query', ['--show', '--showformat=${Package} ${db:Status-Status}\\n', ...packages], { env })
  if (code === 127) return undefined
  const installed = new Set(
    output
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => String(line.split(' ')[0])),
  )
  return packages.filter((name) => !installed.has(name))
}

/**
 * @param {readonly string[]} packages
 * @param {NodeJS.ProcessEnv} env
 */
export async function installDebianPackages(packages, env) {
  const quiet = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' } }
  const updated = await run('apt-get', ['update'], quiet)
  if (updated.code !== 0) return updated
  return run('apt-get', ['install', '--yes', '--no-install-recommends', ...packages], quiet)
}
