/**
 * A running database server.
 * @typedef {object} DatabaseServer
 * @property {'given' | 'docker' | 'debian'} kind Where it came from.
 * @property {string} url What clients are given.
 * @property {() => Promise<void>} kill SIGKILL. `restart` brings it back.
 * @property {() => Promise<void>} restart Stops it in order if it runs, and starts it on the same data and port.
 * @property {() => Promise<void>} freeze Lets it stand still: its connections stay, and nobody answers. `thaw` lets it go on.
 * @property {() => Promise<void>} thaw
 * @property {() => Promise<void>} stop Stops it and deletes its data.
 * @property {SmallDisk} [smallDisk] Where one was asked for.
 */

/**
 * A disk of the server's that is soon full.
 * @typedef {object} SmallDisk
 * @property {string} folder Where it is, to the server. ClickHouse has all its data there.
 * @property {() => Promise<void>} grow Makes room.
 */

/**
 * @typedef {object} DatabaseOptions
 * @property {number} [smallDiskMegabytes] The size of a small disk beside the others; needs root, or Docker. It is empty after a restart. Default: none.
 * @property {string} [image] The container image, where Docker is used.
 * @property {boolean} [durable] Whether what is committed is on the disk, as in production. Default: no, which is quicker.
 * @property {(message: string) => void} [say]
 */

/**
 * What the three ways to a server of one kind are.
 * @typedef {object} DatabaseKind
 * @property {string} name
 * @property {string} variable The environment variable with the address of a server that runs already.
 * @property {string} debianPackage
 * @property {(options: DatabaseOptions) => Promise<DatabaseServer>} docker
 * @property {() => Promise<string | undefined>} debianLacks What is missing to start Debian's, in words.
 * @property {(options: DatabaseOptions) => Promise<DatabaseServer>} debian
 */

import { dockerAnswers } from '../../packages/cli/broker/docker-broker.mjs'

/**
 * Obtains a real server by the first way that is open here. There is no fourth: whoever needs one fails without, aloud.
 * @param {DatabaseKind} kind
 * @param {DatabaseOptions} [options]
 * @param {{ env?: NodeJS.ProcessEnv, ownOnly?: boolean, docker?: () => Promise<boolean> }} [where] `ownOnly`: one that may be killed; `docker`: whether
 *   Docker answers.
 * @returns {Promise<DatabaseServer>}
 */
export async function openDatabase(kind, options = {}, { env = process.env, ownOnly = false, docker = dockerAnswers } = {}) {
  const given = env[kind.variable]
  const isGiven = given !== undefined && given !== ''
  if (isGiven && !ownOnly) return givenServer(kind, given)
  if (await docker()) return kind.docker(options)
  const lacking = await kind.debianLacks()
  if (lacking === undefined) return kind.debian(options)
  throw new Error(
    [
      `A ${kind.name} server is needed${ownOnly ? ' that may be killed' : ''}, and none of the three ways to one is open:`,
      `  ${kind.variable}   a server that already runs (${isGiven ? 'set, but not ours to kill' : 'not set'})`,
      '  Docker           a container is started (no Docker daemon answers)',
      `  Debian's package is started in a temporary folder (${lacking}; apt-get install ${kind.debianPackage})`,
    ].join('\n'),
  )
}

/**
 * @param {DatabaseKind} kind
 * @param {string} url
 * @returns {DatabaseServer}
 */
function givenServer(kind, url) {
  const notOurs = () => Promise.reject(new Error(`The server of ${kind.variable} is not ours to stop. Unset it to let one be started.`))
  return { kind: 'given', url, kill: notOurs, restart: notOurs, freeze: notOurs, thaw: notOurs, stop: () => Promise.resolve() }
}
