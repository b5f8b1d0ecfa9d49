import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Where what is fetched once is kept, as the system wants it. Deleting it costs time, nothing else.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string}
 */
export function cacheFolder(env = process.env) {
  const given = env['XDG_CACHE_HOME']
  const caches = given !== undefined && given !== '' ? given : join(homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache')
  return join(caches, 'millrace')
}
