import { cpSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = dirname(fileURLToPath(import.meta.url))

/**
 * Makes the dashboard's files, everything it needs in them.
 * @param {string} folder
 */
export async function buildDashboard(folder) {
  mkdirSync(folder, { recursive: true })
  await build({
    entryPoints: [join(here, 'src/dashboard.tsx')],
    outfile: join(folder, 'dashboard.js'),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'inline',
    logLevel: 'warning',
  })
  for (const name of ['index.html', 'dashboard.css']) cpSync(join(here, name), join(folder, name))
}

const [, program, folder] = process.argv
if (program === fileURLToPath(import.meta.url) && folder !== undefined) await buildDashboard(folder)
