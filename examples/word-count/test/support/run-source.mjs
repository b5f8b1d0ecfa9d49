// Runs the program from its sources, in this process: node run-source.mjs ARGUMENT...
// Node 20 can't do that by itself, and a test must not need a build, so Vite, which vitest brings along, transforms them.
import { fileURLToPath } from 'node:url'
import { createViteServer } from 'vitest/node'

const conditions = ['@millrace/source', 'node', 'import', 'module', 'default']
const server = await createViteServer({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  configFile: false,
  logLevel: 'error',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  oxc: { target: 'es2022' },
  resolve: { conditions },
  ssr: { resolve: { conditions } },
})
// It ends the process itself.
await server.ssrLoadModule(fileURLToPath(new URL('../../src/main.ts', import.meta.url)))
