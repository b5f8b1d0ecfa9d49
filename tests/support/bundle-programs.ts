import { copyFile, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as esbuild from 'esbuild'

export interface Bundled {
  /** A folder with a file `NAME.mjs` for each entry point `NAME.ts`. */
  readonly folder: string
  readonly remove: () => Promise<void>
}

/** Our own code goes into the file; what is installed stays where it is, but for a client of hundreds of modules, whose loading takes most of the start of a process. */
const installed: esbuild.Plugin = {
  name: 'installed',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path: name, kind, resolveDir, importer, pluginData }) => {
      if (kind === 'entry-point' || pluginData === installed || name.startsWith('node:')) return undefined
      if (name.startsWith('@platformatic/') || importer.includes('/node_modules/')) return undefined
      const found = await build.resolve(name, { resolveDir, kind, importer, pluginData: installed })
      return found.path.includes('/node_modules/') ? { path: pathToFileURL(found.path).href, external: true } : found
    })
    // It reads a file that lies beside it.
    build.onLoad({ filter: /wasm-utils\/dist\/index\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
    }))
  },
}

/** What is bundled of modules of CommonJS asks for Node's by this. */
const REQUIRE = "import { createRequire as requireOf } from 'node:module'\nconst require = requireOf(import.meta.url)"

/**
 * Makes one file of JavaScript of each program and all of ours that it imports: tests start hundreds of processes, each of which would
 * compile all of it again. `below` is where the folder of the files is made.
 */
export async function bundlePrograms(entryPoints: readonly string[], below: string): Promise<Bundled> {
  await mkdir(below, { recursive: true })
  const folder = await mkdtemp(join(below, 'programs-'))
  // The client is imported by its name when it is needed.
  await mkdir(join(folder, 'node_modules'))
  await symlink(
    pathFrom(import.meta.url, '../../packages/transport-kafka/node_modules/@confluentinc'),
    join(folder, 'node_modules/@confluentinc'),
  )
  // A thread of its own, started from the file beside whatever starts it.
  await copyFile(
    pathFrom(import.meta.url, '../../packages/kafka-packed/src/group/heartbeat-worker.js'),
    join(folder, 'heartbeat-worker.js'),
  )
  await symlink(
    pathFrom(import.meta.url, '../../packages/kafka-packed/node_modules/@platformatic'),
    join(folder, 'node_modules/@platformatic'),
  )
  await esbuild.build({
    entryPoints: [...entryPoints],
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outExtension: { '.js': '.mjs' },
    conditions: ['@millrace/source'],
    sourcemap: 'inline',
    sourcesContent: false,
    banner: { js: REQUIRE },
    logLevel: 'silent',
    plugins: [installed],
  })
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** A path beside the file that asks. */
export function pathFrom(url: string, relative: string): string {
  return fileURLToPath(new URL(relative, url))
}
