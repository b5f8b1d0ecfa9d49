import { join } from 'node:path'
import { root } from './paths.mjs'
import { runProgram } from './run-program.mjs'
import { prepare } from './setup/prepare.mjs'

await prepare({ native: 'required', build: true })
await runProgram([join(root, 'benchmarks', 'soak.mjs'), ...process.argv.slice(2)])
