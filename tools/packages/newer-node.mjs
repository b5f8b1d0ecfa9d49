import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { cache, root } from '../paths.mjs'
import { run } from '../run.mjs'
import { say } from '../say.mjs'
import { prepare } from '../setup/prepare.mjs'
import { withWorkerThreads } from '../worker-threads.mjs'
import { checkout } from './checkout.mjs'

// `npm run check:newer-node`: whether Millrace runs on the newest Node that its native parts are published for. Kafka is left out: where
// the client's binary can't be fetched, building it for a second Node takes longer than all of this.
const version = '24.9.0'

/** What touches Node most: the engine, files, native code, child processes. The embedded log brings the conformance suite of transports. */
const tests = ['core', 'runtime', 'store-leveldb', 'transport-memory'].map((name) => `packages/${name}/test`)
/** Only tells what hangs. */
const LIMIT_MS = 300_000

await prepare({ native: 'unneeded', build: true })
const { OutsideProject } = await import('./outside-project.mjs')
const { proveEmbedded } = await import('./embedded-program.mjs')
const { pack } = await import('./pack.mjs')
const { withTemporaryFolder } = await import('./temporary-folder.mjs')

const node = await newerNode()
// What starts programs by the name of `node` gets this one too.
const env = withWorkerThreads({ ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` })

await step('the demo', async () => {
  const { stdout } = await promisify(execFile)(node, [join(root, 'examples', 'word-count', 'dist', 'main.js'), '--json'], {
    cwd: root,
    env,
    maxBuffer: 1 << 26,
    timeout: LIMIT_MS,
  })
  const file = join(cache, 'demo-newer-node.json')
  writeFileSync(file, stdout)
  await succeed([join(root, 'tools', 'ci', 'demo-counts.mjs'), file])
})
await step("a project outside, with the README's program", () =>
  withTemporaryFolder(async (folder) => {
    const packed = await pack(checkout, join(folder, 'tarballs'))
    await proveEmbedded(await OutsideProject.create(join(folder, 'outside'), packed), node)
  }),
)
await step('tests of the packages', () =>
  succeed([join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'unit', ...tests]),
)

/** The binary, from the registry, in this checkout only. */
async function newerNode() {
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(cache, `node-${version}`)
  const binary = join(folder, 'node_modules', name, 'bin', 'node')
  if (!existsSync(binary)) {
    say(`fetching Node ${version}`)
    const partial = `${folder}.partial`
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(partial, { recursive: true })
    writeFileSync(join(partial, 'package.json'), '{ "private": true }\n')
    const { npm_config_loglevel: _, ...others } = process.env
    const { code, output } = await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `${name}@${version}`], {
      cwd: partial,
      env: others,
    })
    if (code !== 0) throw new Error(`Node ${version} could not be fetched.\n${output}`)
    rmSync(folder, { recursive: true, force: true })
    renameSync(partial, folder)
  }
  const { output } = await run(binary, ['--print', 'process.versions.node'])
  if (output.trim() !== version) throw new Error(`This should be Node ${version}: ${output}`)
  return binary
}

/** @param {readonly string[]} args */
async function succeed(args) {
  const { code, output } = await run(node, args, { cwd: root, env, timeoutMs: LIMIT_MS })
  if (code !== 0) throw new Error(output)
}

/**
 * @param {string} what
 * @param {() => Promise<void>} work
 */
async function step(what, work) {
  const start = performance.now()
  try {
    await work()
    say(`good   ${what}, on Node ${version} (${((performance.now() - start) / 1_000).toFixed(1)} s)`)
  } catch (error) {
    process.exitCode = 1
    say(`FAILED ${what}, on Node ${version}\n${error instanceof Error ? error.message : String(error)}`)
  }
}
