import { join } from 'node:path'
import { root } from './paths.mjs'
import { runProgram } from './run-program.mjs'
import { prepare } from './setup/prepare.mjs'

await prepare({ native: 'unneeded', build: true, databases: true })
await runProgram([join(root, 'benchmarks', 'databases.mjs'), ...process.argv.slice(2)])
