import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import * as esbuild from 'esbuild'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `tests/programs` are, each as one file of JavaScript. */
    testPrograms: string
  }
}

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** Our own code goes into the file, what is installed stays where it is. */
const installed: esbuild.Plugin = {
  name: 'installed',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path: name, kind, resolveDir, importer, pluginData }) => {
      if (kind === 'entry-point' || pluginData === installed || name.startsWith('node:')) return undefined
      const found = await build.resolve(name, { resolveDir, kind, importer, pluginData: installed })
      return found.path.includes('/node_modules/') ? { path: pathToFileURL(found.path).href, external: true } : found
    })
  },
}

/** Makes them of the sources, once for a run: hundreds of processes of them are started, each of which would compile all of it again. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  // From here the Kafka client is found, which is imported by its name when it is needed.
  const cache = path('../../packages/transport-kafka/node_modules/.cache')
  await mkdir(cache, { recursive: true })
  const outdir = await mkdtemp(join(cache, 'test-programs-'))
  await esbuild.build({
    entryPoints: [path('../programs/*.ts')],
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outExtension: { '.js': '.mjs' },
    conditions: ['@millrace/source'],
    sourcemap: 'inline',
    logLevel: 'silent',
    plugins: [installed],
  })
  provide('testPrograms', outdir)
  return () => rm(outdir, { recursive: true, force: true })
}
