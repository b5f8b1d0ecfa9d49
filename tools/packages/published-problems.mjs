import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { contentsProblems } from './contents.mjs'

/**
 * How a package may be looked up in ways that ours need not answer: the profile `esm-only`. `node10` reads no "exports" and can't be asked
 * for subpaths; every TypeScript that can read our declarations has better. `node16-cjs` complains that `require` finds an ES module: it
 * may, in every Node that we run on (20.19 and newer), and a second build as CommonJS would give programs two classes of each name.
 * @type {ReadonlySet<string>}
 */
const unanswered = new Set(['node10', 'node16-cjs'])

/**
 * Everything that is wrong with a packed package, in sentences.
 * @param {import('./pack.mjs').Packed} packed
 * @param {string} root
 * @returns {Promise<string[]>}
 */
export async function publishedProblems({ manifest, bytes }, root) {
  return [
    ...contentsProblems(filesOf(bytes), manifest, readFileSync(join(root, 'LICENSE'), 'utf8')),
    ...(await resolutionProblems(createPackageFromTarballData(bytes))),
    ...(await manifestProblems(bytes)),
  ]
}

/**
 * @param {Uint8Array} bytes
 * @returns {import('./contents.mjs').Files}
 */
function filesOf(bytes) {
  const tarball = createPackageFromTarballData(bytes)
  const prefix = `/node_modules/${tarball.packageName}/`
  return new Map(tarball.listFiles().map((file) => [file.slice(prefix.length), tarball.readFile(file)]))
}

/**
 * What compilers would not find, or find with types that say something else than the code does.
 * @param {import('@arethetypeswrong/core').Package} tarball
 */
async function resolutionProblems(tarball) {
  const result = await checkPackage(tarball)
  if (!result.types) return ['It has no types.']
  return result.problems
    .filter((problem) => !('resolutionKind' in problem && unanswered.has(problem.resolutionKind)))
    .map((problem) => `Its types are wrong: ${JSON.stringify({ ...problem, trace: undefined })}`)
}

/**
 * Suggestions count too: there is none that we don't take.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function manifestProblems(bytes) {
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const { messages, pkg } = await publint({ pack: { tarball }, level: 'suggestion', strict: true })
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`)
}
