import { join } from 'node:path'
import { root } from './paths.mjs'
import { runProgram } from './run-program.mjs'
import { prepare } from './setup/prepare.mjs'

const args = process.argv.slice(2)
const onKafka = args.some((arg) => arg.startsWith('--brokers'))
await prepare({ native: onKafka ? 'required' : 'unneeded', build: true, databases: !args.some((arg) => arg.startsWith('--clickhouse')) })
await runProgram([join(root, 'examples', 'clickhouse-sink', 'start.mjs'), ...args])
