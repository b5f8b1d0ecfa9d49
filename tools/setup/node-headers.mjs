import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The folder above `include/node` of the Node that runs, if its headers were installed with it, as most distributions do: a build
 * then downloads nothing. Headers of another version (a system package beside a newer Node) are not taken.
 * @param {string} [executable]
 * @param {string} [version]
 * @returns {string | undefined}
 */
export function nodeHeaders(executable = process.execPath, version = process.versions.node) {
  const prefix = dirname(dirname(executable))
  const header = join(prefix, 'include', 'node', 'node_version.h')
  if (!existsSync(header)) return undefined
  const text = readFileSync(header, 'utf8')
  const part = (/** @type {string} */ name) => new RegExp(`#define NODE_${name}_VERSION (\\d+)`).exec(text)?.[1]
  return `${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}` === version ? prefix : undefined
}
