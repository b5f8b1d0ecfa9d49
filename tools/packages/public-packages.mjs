import { join } from 'node:path'
import { manifest, workspacePackages } from '../setup/checkout.mjs'

/**
 * @typedef {{ readonly [condition: string]: string }} ExportTarget
 */

/**
 * What these tools read of a package.json.
 * @typedef {object} PublicManifest
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {Record<string, ExportTarget | null>} exports
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [peerDependencies]
 */

/**
 * @typedef {object} PublicPackage
 * @property {string} folder
 * @property {PublicManifest} manifest
 */

/**
 * The packages of this workspace that are published: those that are not private.
 * @param {string} root
 * @returns {PublicPackage[]}
 */
export function publicPackages(root) {
  return workspacePackages(root)
    .map((folder) => ({ folder, manifest: /** @type {PublicManifest} */ (manifest(folder)) }))
    .filter((one) => one.manifest.private !== true)
    .filter(({ folder }) => folder.startsWith(join(root, 'packages')))
}
