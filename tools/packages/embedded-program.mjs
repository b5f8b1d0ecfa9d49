import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { root } from '../paths.mjs'
import { blocksOf, readmeProgram } from './readme-program.mjs'

/** What the program counts in `outside/lines.ts`. */
export const expectedCounts = Object.freeze({
  to: 6,
  be: 2,
  or: 1,
  not: 1,
  that: 1,
  is: 2,
  the: 1,
  question: 1,
  whether: 1,
  it: 1,
  nobler: 1,
  die: 1,
  sleep: 2,
  perchance: 1,
  dream: 1,
})

/** The program on the embedded log: all that differs is where its transport comes from. */
const embedded = new Map([
  ["import { kafka } from 'millrace/kafka'", "import { transport } from './embedded-log.ts'"],
  ["transport: kafka({ brokers: ['localhost:9092'] })", 'transport'],
])

/** A program in CommonJS. */
const required = `import millrace = require('millrace')
if (typeof millrace.start !== 'function') throw new Error('There is no start.')
`

/**
 * The steps that show that the packages work in a project which has installed them and no Kafka client.
 * @param {import('./outside-project.mjs').OutsideProject} project
 * @param {string} [node] Another Node to run them with.
 */
export async function proveEmbedded(project, node) {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  project.write('readme.ts', readmeProgram(readme, new Map()))
  project.write('embedded.ts', readmeProgram(readme, embedded))
  project.write('required.cts', required)
  const examples = writeExamples(project)
  await project.build()

  await proveCounts(project, node)
  await proveClientIsMissed(project, node)
  for (const name of ['required.cjs', ...examples]) await project.output(name, { node })
}

/**
 * @param {import('./outside-project.mjs').OutsideProject} project
 * @param {string | undefined} node
 */
async function proveCounts(project, node) {
  const counts = countsOf(await project.output('run-embedded.js', { args: ['./embedded.js'], node }))
  if (!isDeepStrictEqual(counts, expectedCounts)) throw new Error(`The README's program counted ${JSON.stringify(counts)}`)
}

/**
 * What a program of `outside` found in the output topic.
 * @param {string} output
 * @returns {unknown}
 */
export function countsOf(output) {
  return JSON.parse(/^counts (.*)$/m.exec(output)?.[1] ?? 'null')
}

/**
 * The program as it is, on the native client, says what to install.
 * @param {import('./outside-project.mjs').OutsideProject} project
 * @param {string | undefined} node
 */
async function proveClientIsMissed(project, node) {
  if (existsSync(join(project.folder, 'node_modules', '@confluentinc'))) throw new Error('The Kafka client was installed, unasked for.')
  const { code, output } = await project.run('readme.js', { node, env: { ...process.env, MILLRACE_KAFKA_CLIENT: 'confluent' } })
  const missed = code !== 0 && /KAFKA_CLIENT_MISSING/.test(output) && /npm install @confluentinc\/kafka-javascript/.test(output)
  if (!missed) throw new Error(`Without the Kafka client the README's program ended with ${code} and this:\n${output}`)
}

/** What an example begins with that needs a server. */
const NEEDS_SERVER = /\bbrokers(?::| =) |\burl: '/

/**
 * The examples of the packages' own pages, as they are in the tarballs. Those that need a server are compiled only; the page of a command may show how it is
 * called instead.
 * @param {import('./outside-project.mjs').OutsideProject} project
 * @returns {string[]} The programs to run.
 */
function writeExamples(project) {
  const { dependencies } = JSON.parse(readFileSync(join(project.folder, 'package.json'), 'utf8'))
  const programs = []
  for (const name of Object.keys(dependencies)) {
    const folder = join(project.folder, 'node_modules', name)
    const blocks = blocksOf(readFileSync(join(folder, 'README.md'), 'utf8'))
    const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    if (blocks.length === 0 && bin === undefined) throw new Error(`The README of ${name} has no example.`)
    for (const [i, block] of blocks.entries()) {
      const module = `example-${name.replace(/\W+/g, '-')}-${i}`
      project.write(`${module}.ts`, block)
      if (!NEEDS_SERVER.test(block)) programs.push(`${module}.js`)
    }
  }
  return programs
}
