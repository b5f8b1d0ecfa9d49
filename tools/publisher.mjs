import { join } from 'node:path'
import { root } from './paths.mjs'
import { runProgram } from './run-program.mjs'
import { prepare } from './setup/prepare.mjs'

const args = process.argv.slice(2)
const asksForKafka = args.some((arg) => /^--brokers(=|$)/.test(arg))

await prepare({ native: asksForKafka ? 'required' : 'unneeded', build: true })
await runProgram([join(root, 'examples', 'event-publisher', 'dist', 'main.js'), ...args])
