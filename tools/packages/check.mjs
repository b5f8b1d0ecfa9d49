import { join } from 'node:path'
import { root } from '../paths.mjs'
import { run } from '../run.mjs'
import { say } from '../say.mjs'
import { prepare } from '../setup/prepare.mjs'
import { checkout } from './checkout.mjs'

// `npm run check:packages`: whether the packages are what their users should get. Each step runs even if an earlier one failed.

await prepare({ native: 'unneeded', build: true })
// What these need may have come only with that.
const { proveEmbedded } = await import('./embedded-program.mjs')
const { OutsideProject } = await import('./outside-project.mjs')
const { pack } = await import('./pack.mjs')
const { publishedProblems } = await import('./published-problems.mjs')
const { withTemporaryFolder } = await import('./temporary-folder.mjs')

let failed = 0

/**
 * @param {string} what
 * @param {() => Promise<readonly string[]>} look Resolves with the problems found.
 */
async function step(what, look) {
  const start = performance.now()
  /** @type {readonly string[]} */
  let problems
  try {
    problems = await look()
  } catch (error) {
    problems = [error instanceof Error ? error.message : String(error)]
  }
  const seconds = ((performance.now() - start) / 1_000).toFixed(1)
  say(`${problems.length === 0 ? 'good  ' : 'FAILED'} ${what} (${seconds} s)`)
  for (const problem of problems) say(`  ${problem.replaceAll('\n', '\n  ')}`)
  if (problems.length > 0) failed++
}

async function unused() {
  const { code, output } = await run(process.execPath, [join(root, 'node_modules', 'knip', 'bin', 'knip.js'), '--no-progress'], {
    cwd: root,
  })
  return code === 0 ? [] : [output.trim()]
}

await withTemporaryFolder(async (folder) => {
  await step('nothing is unused', unused)
  const packed = await pack(checkout, folder)
  for (const one of packed) await step(`${one.manifest.name} as it is packed`, () => publishedProblems(one, root))
  await step("a project outside, with the README's program on the embedded log", async () => {
    await proveEmbedded(await OutsideProject.create(join(folder, 'outside'), packed))
    return []
  })
})
process.exitCode = failed === 0 ? 0 : 1
