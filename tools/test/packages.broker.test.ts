import { randomUUID } from 'node:crypto'
import { cpSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, inject, test } from 'vitest'

import { checkout } from '../packages/checkout.mjs'
import { countsOf, expectedCounts } from '../packages/embedded-program.mjs'
import { installFromTarballs, OutsideProject, succeed } from '../packages/outside-project.mjs'
import { pack } from '../packages/pack.mjs'
import { readmeProgram } from '../packages/readme-program.mjs'
import { root } from '../paths.mjs'
import { run } from '../run.mjs'
import { nativeCodeOf } from './support/native-code.ts'
import { startProgram } from './support/start-program.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const client = '@confluentinc/kafka-javascript'
const env = { ...process.env, KAFKA_BROKERS: inject('kafkaBrokers') }

/** A project with the Kafka client beside the tarballs. Its native part is the one that the set-up of this checkout has. */
async function projectOnKafka(): Promise<OutsideProject> {
  const folder = temporaryFolder()
  const packed = await pack(checkout, join(folder, 'tarballs'))
  const manifest = createRequire(join(root, 'packages', 'transport-kafka', 'package.json')).resolve(`${client}/package.json`)
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  const project = await OutsideProject.create(join(folder, 'outside'), packed, {
    dependencies: { [client]: version },
    npmArguments: ['--ignore-scripts'],
  })
  cpSync(join(dirname(manifest), 'build'), join(project.folder, 'node_modules', client, 'build'), { recursive: true })
  return project
}

test(
  "the README's program, installed from the tarballs, counts words on a broker and ends well on a signal",
  { timeout: 300_000 },
  async () => {
    const id = randomUUID()
    const names = { from: `lines-${id}`, to: `word-counts-${id}` }
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const program = readmeProgram(
      readme,
      new Map([
        ["brokers: ['localhost:9092']", `brokers: '${env.KAFKA_BROKERS}'`],
        ["topics: ['lines']", `topics: ['${names.from}']`],
        ["topic: 'word-counts'", `topic: '${names.to}'`],
        ["applicationId: 'counting-words'", `applicationId: 'counting-words-${id}'`],
      ]),
    )
    const project = await projectOnKafka()
    project.write('readme.ts', program)
    await project.build()
    await project.output('on-kafka.js', { args: ['fill', names.from, names.to], env })

    const running = startProgram(project, 'readme.js', env)
    const counts = countsOf(await project.output('on-kafka.js', { args: ['counts', names.from, names.to], env }))
    running.stop()

    expect(counts).toEqual(expectedCounts)
    expect(await running.ended).toEqual({ code: 0, signal: null })
  },
)

test(
  'a project of `millrace new`, with Millrace from the tarballs, builds, passes its test and has the command',
  { timeout: 300_000 },
  async () => {
    const folder = temporaryFolder()
    const packed = await pack(checkout, join(folder, 'tarballs'))
    const made = { cwd: folder }
    await succeed(process.execPath, [join(root, 'packages', 'cli', 'dist', 'main.js'), 'new', 'my-app', '--no-install'], made)
    const project = { cwd: join(folder, 'my-app') }
    await installFromTarballs(project.cwd, packed)

    await succeed('npm', ['run', 'build'], project)
    expect(await succeed('npm', ['test'], project)).toMatch(/pass 1\b/)
    expect(await succeed('npx', ['millrace', 'describe', 'src/app.ts'], project)).toContain('Sub-topology: 1')
    expect(await succeed('npx', ['millrace', 'describe', 'dist/app.js', '--json'], project)).toContain('"applicationId": "my-app"')
    const help = await succeed('npx', ['millrace', '--help'], project)
    expect(help).toContain('dead-letters')
    // What is plain JavaScript beside what is built.
    const { code, output } = await run('npx', ['millrace', 'broker'], { ...project, env: { ...env, KAFKA_BROKERS: '127.0.0.1:1' } })
    expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining('KAFKA_BROKERS is 127.0.0.1:1') as unknown })
  },
)

test('millrace/kafka loads native code when something is opened', async () => {
  const { asked, mapped } = await nativeCodeOf(
    `const { kafka } = await import('millrace/kafka')
     const { silentLogger } = await import('millrace')
     const admin = await kafka({ brokers: process.env.KAFKA_BROKERS }).openAdmin({ logger: silentLogger })
     await admin.close()`,
    env,
  )

  expect(asked).toEqual([expect.stringContaining('kafka-javascript')])
  expect(mapped).toEqual([expect.stringContaining('kafka-javascript')])
})
