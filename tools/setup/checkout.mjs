import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What the steps work on, handed to each of them, so that tests can hand them another.
 * @typedef {object} Checkout
 * @property {string} root
 * @property {NodeJS.ProcessEnv} env
 * @property {(message: string) => void} say
 */

/**
 * @param {Checkout} checkout
 * @param {string} name
 */
export function cached({ root }, name) {
  return join(root, '.cache', name)
}

/**
 * The folders of the workspace's packages, as pnpm-workspace.yaml lists them.
 * @param {string} root
 */
export function workspacePackages(root) {
  const within = (/** @type {string} */ group) =>
    existsSync(join(root, group)) ? readdirSync(join(root, group)).map((name) => join(root, group, name)) : []
  const folders = [...within('packages'), ...within('examples'), join(root, 'benchmarks'), join(root, 'chaos'), join(root, 'tests')]
  return folders.filter((folder) => existsSync(join(folder, 'package.json')))
}

/**
 * @typedef {object} Manifest
 * @property {string} [version]
 * @property {string} [packageManager]
 * @property {Record<string, string>} [scripts]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 */

/**
 * @param {string} folder
 * @returns {Manifest}
 */
export function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/**
 * Every file below these folders.
 * @param {readonly string[]} folders
 */
export function filesBelow(folders) {
  return folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
