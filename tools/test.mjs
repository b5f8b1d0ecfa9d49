import { join } from 'node:path'
import { root } from './paths.mjs'
import { runProgram } from './run-program.mjs'
import { say } from './say.mjs'
import { filesBelow } from './setup/checkout.mjs'
import { prepare } from './setup/prepare.mjs'

const args = process.argv.slice(2)
const unitOnly = args[0] === '--unit'
const packed = args[0] === '--packed'
if (unitOnly || packed) args.shift()

await prepare({ native: unitOnly ? 'unneeded' : 'required', build: true, browser: !unitOnly, promtool: !unitOnly, databases: !unitOnly })
if (unitOnly) {
  const left = filesBelow(['packages', 'examples', 'tests'].map((name) => join(root, name))).filter(
    (file) => /\.(broker|database)\.test\.ts$/.test(file) && !file.includes('node_modules'),
  )
  say(`Left out: ${left.length} test files that need a Kafka broker or a database. 'npm test' runs them too.`)
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
if (packed) {
  say("Applications of tests/ on a broker, through Millrace's own client. 'npm test' runs them through Confluent's.")
  process.env['MILLRACE_KAFKA_CLIENT'] = 'packed'
}
const files = args.some((arg) => !arg.startsWith('-')) ? [] : ['tests/']
const part = unitOnly ? ['--project', 'unit'] : packed ? ['--project', 'broker', ...files] : []
await runProgram([vitest, 'run', ...part, ...args])
