import { join } from 'node:path'
import { root } from './paths.mjs'
import { runProgram } from './run-program.mjs'
import { say } from './say.mjs'
import { filesBelow } from './setup/checkout.mjs'
import { prepare } from './setup/prepare.mjs'

const args = process.argv.slice(2)
const unitOnly = args[0] === '--unit'
const confluent = args[0] === '--confluent'
if (unitOnly || confluent) args.shift()

await prepare({ native: unitOnly ? 'unneeded' : 'required', build: true, browser: !unitOnly, promtool: !unitOnly, databases: !unitOnly })
if (unitOnly) {
  const left = filesBelow(['packages', 'examples', 'tests'].map((name) => join(root, name))).filter(
    (file) => /\.(broker|database)\.test\.ts$/.test(file) && !file.includes('node_modules'),
  )
  say(`Left out: ${left.length} test files that need a Kafka broker or a database. 'npm test' runs them too.`)
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
if (confluent) {
  say("Applications of tests/ on a broker, through Confluent's client. 'npm test' runs them through Millrace's own.")
  process.env['MILLRACE_KAFKA_CLIENT'] = 'confluent'
}
const files = args.some((arg) => !arg.startsWith('-')) ? [] : ['tests/']
const part = unitOnly ? ['--project', 'unit'] : confluent ? ['--project', 'broker', ...files] : []
await runProgram([vitest, 'run', ...part, ...args])
