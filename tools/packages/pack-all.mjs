import { resolve } from 'node:path'
import { say } from '../say.mjs'
import { prepare } from '../setup/prepare.mjs'
import { checkout } from './checkout.mjs'

// `npm run pack:packages -- FOLDER`: every package as a tarball, for a project elsewhere.

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  say('Say where the tarballs go: npm run pack:packages -- FOLDER')
  process.exit(2)
}
await prepare({ native: 'unneeded', build: true })
// What this needs may have come only with that.
const { pack } = await import('./pack.mjs')
const packed = await pack(checkout, resolve(folder))
say(`${packed.length} packages are in ${resolve(folder)}. In your project: npm install ${resolve(folder)}/*.tgz`)
