// Runs a TypeScript module of this workspace, in a process of its own: node --conditions @millrace/source --import tsx run-typescript.mjs MODULE ARGUMENT...
// Node 20 can't by itself, and a test of sources must not need a build.
import { pathToFileURL } from 'node:url'

const [module = '', ...programArguments] = process.argv.slice(2)
const program = /** @type {{ main(args: readonly string[]): Promise<void> }} */ (await import(pathToFileURL(module).href))
await program.main(programArguments)
