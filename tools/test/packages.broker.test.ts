import { randomUUID } from 'node:crypto'
import { cpSync, existsSync, readFileSync } from 'node:fs'
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

/** Puts the native client into a project. Its native part is the one that the set-up of this checkout has. */
async function addNativeClient({ folder }: OutsideProject): Promise<void> {
  const manifest = createRequire(join(root, 'packages', 'transport-kafka', 'package.json')).resolve(`${client}/package.json`)
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  await succeed('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', `${client}@${version}`], { cwd: folder })
  cpSync(join(dirname(manifest), 'build'), join(folder, 'node_modules', client, 'build'), { recursive: true })
}

/** Lets the README's program, under a name of its own, count on the broker; resolves when it has ended. */
async function runReadme(project: OutsideProject, more: NodeJS.ProcessEnv) {
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
  const on = { ...env, ...more }
  project.write('readme.ts', program)
  await project.build()
  await project.output('on-kafka.js', { args: ['fill', names.from, names.to], env: on })
  const running = startProgram(project, 'readme.js', on)
  const counts = countsOf(await project.output('on-kafka.js', { args: ['counts', names.from, names.to], env: on }))
  running.stop()
  return { counts, ended: await running.ended }
}

test(
  "the README's program, installed from the tarballs, counts words on a broker and ends well on a signal, without the native client and with it",
  { timeout: 300_000 },
  async () => {
    const folder = temporaryFolder()
    const packed = await pack(checkout, join(folder, 'tarballs'))
    const project = await OutsideProject.create(join(folder, 'outside'), packed)
    const well = { counts: expectedCounts, ended: { code: 0, signal: null } }
    expect(existsSync(join(project.folder, 'node_modules', client))).toBe(false)
    expect(await runReadme(project, {})).toEqual(well)

    await addNativeClient(project)
    expect(await runReadme(project, { MILLRACE_KAFKA_CLIENT: 'confluent' })).toEqual(well)
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

const OPENS_ADMIN = `
  const { kafka } = await import('millrace/kafka')
  const { silentLogger } = await import('millrace')
  const admin = await kafka({ brokers: process.env.KAFKA_BROKERS }).openAdmin({ logger: silentLogger })
  await admin.close()`

test("millrace/kafka loads native code when something is opened, if the client is Confluent's", async () => {
  const { asked, mapped } = await nativeCodeOf(OPENS_ADMIN, { ...env, MILLRACE_KAFKA_CLIENT: 'confluent' })

  expect(asked).toEqual([expect.stringContaining('kafka-javascript')])
  expect(mapped).toEqual([expect.stringContaining('kafka-javascript')])
})

test('millrace/kafka connects without librdkafka by its own client', async () => {
  const { asked, mapped } = await nativeCodeOf(OPENS_ADMIN, env)

  // What the library below it takes its checksums from.
  const other = expect.stringContaining('crc32') as string
  expect({ asked, mapped }).toEqual({ asked: asked.map(() => other), mapped: mapped.map(() => other) })
})
