import { existsSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { filesBelow } from '../setup/checkout.mjs'

/**
 * Deletes from `dist` what was built from sources that are gone: neither tsc nor turbo does, and it would be published.
 * @param {string} folder A package.
 */
export function dropLeftovers(folder) {
  const dist = join(folder, 'dist')
  for (const file of filesBelow([dist])) {
    const source = join(folder, 'src', relative(dist, file).replace(/(\.d\.ts|\.js)(\.map)?$/, ''))
    if (!existsSync(`${source}.ts`) && !existsSync(`${source}.js`)) rmSync(file)
  }
}

// Each public package runs this before it is packed, in its own folder.
if (process.argv[1] === import.meta.filename) dropLeftovers(process.cwd())
