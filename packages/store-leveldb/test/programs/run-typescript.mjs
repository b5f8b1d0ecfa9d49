// Runs a TypeScript module of this workspace in a process of its own: node run-typescript.mjs MODULE ARGUMENT...
// Node 20 can't, and a test of sources must not need a build, so Vite, which vitest brings along, transforms it.
import { fileURLToPath } from 'node:url'
import { createViteServer } from 'vitest/node'

const conditions = ['@millrace/source', 'node', 'import', 'module', 'default']
const [module = '', ...programArguments] = process.argv.slice(2)

const server = await createViteServer({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  configFile: false,
  logLevel: 'error',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  resolve: { conditions },
  ssr: { resolve: { conditions } },
})
const program = /** @type {{ main(args: readonly string[]): Promise<void> }} */ (await server.ssrLoadModule(module))
await program.main(programArguments)
await server.close()
