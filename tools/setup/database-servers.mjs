import { dockerAnswers } from '../../packages/cli/broker/docker-broker.mjs'
import { clickhouseKind } from '../databases/clickhouse.mjs'
import { postgresKind } from '../databases/postgres.mjs'
import { installDebianPackages, missingDebianPackages } from './debian-packages.mjs'
import { tail } from './setup-error.mjs'

const kinds = [postgresKind, clickhouseKind]

/**
 * Database servers for the tests: where neither a variable names one nor Docker can start one, root on Debian gets the packages. Anybody else is told, and so is
 * who can't get them: the tests that need one fail then, and say what the ways to one are.
 * @param {Pick<import('./checkout.mjs').Checkout, 'env' | 'say'>} checkout
 */
export async function provideDatabaseServers({ env, say }) {
  /** @type {string[]} */
  const lacking = []
  for (const { variable, debianPackage, debianLacks } of kinds) {
    const given = env[variable]
    if ((given === undefined || given === '') && (await debianLacks()) !== undefined) lacking.push(debianPackage)
  }
  if (lacking.length === 0 || (await dockerAnswers())) return
  const missing = await missingDebianPackages(lacking, env)
  if (missing === undefined || missing.length === 0) return
  const command = `apt-get install --yes --no-install-recommends ${missing.join(' ')}`
  if (process.getuid?.() !== 0) {
    say(
      `tests of databases need servers. Install them, or name some in ${kinds.map(({ variable }) => variable).join(' and ')}:\n  sudo ${command}`,
    )
    return
  }
  say(`installing database servers for the tests: ${missing.join(' ')}`)
  const { code, output } = await installDebianPackages(missing, env)
  if (code !== 0) say(`database servers could not be installed: ${command}\n${tail(output)}`)
}
