import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pnpm } from '../setup/pnpm.mjs'
import { publicPackages } from './public-packages.mjs'

/**
 * A package as it would be published, with the manifest that it has in the workspace.
 * @typedef {import('./public-packages.mjs').PublicPackage & { readonly file: string, readonly bytes: Uint8Array<ArrayBuffer> }} Packed
 */

/**
 * Packs every public package into a folder, as `pnpm publish` would. What is packed is `dist` as it is: build first.
 * @param {import('../setup/checkout.mjs').Checkout} checkout
 * @param {string} destination
 * @returns {Promise<Packed[]>}
 */
export async function pack(checkout, destination) {
  mkdirSync(destination, { recursive: true })
  const packed = []
  for (const one of publicPackages(checkout.root)) {
    const { name, version } = one.manifest
    const { code, output } = await pnpm(checkout, ['--dir', one.folder, 'pack', '--pack-destination', destination])
    if (code !== 0) throw new Error(`${name} could not be packed.\n${output}`)
    const file = join(destination, `${name.replace(/^@/, '').replace('/', '-')}-${version}.tgz`)
    packed.push({ ...one, file, bytes: new Uint8Array(readFileSync(file)) })
  }
  return packed
}
