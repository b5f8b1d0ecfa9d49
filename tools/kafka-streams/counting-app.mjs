import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { javaLacks } from '../../packages/cli/broker/java-broker.mjs'
import { kafkaVersion } from '../../packages/cli/broker/kafka-jars.mjs'
import { mavenJars } from '../../packages/cli/broker/maven-jars.mjs'
import { cache, root } from '../paths.mjs'
import { run } from '../run.mjs'
import { fingerprint } from '../setup/stamp.mjs'

const folder = join(root, 'tests', 'kafka-streams')
const pom = join(folder, 'pom.xml')
const source = join(folder, 'CountingApp.java')
const compiler = 'org.eclipse.jdt.internal.compiler.batch.Main'

/**
 * Makes the Kafka Streams application of `tests/kafka-streams`: its jars are fetched once, and it is compiled when it has changed.
 * @param {(message: string) => void} say
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<readonly string[]>} What `java` is given to run it, up to its own arguments.
 */
export async function countingApp(say, env = process.env) {
  const lacking = await javaLacks(env)
  if (lacking !== undefined) {
    throw new Error(
      [
        'Tests beside Kafka Streams need Java 17 and Maven, whichever broker they use: a Kafka Streams application is fetched, compiled and run',
        `(${lacking}; on Debian: apt-get install openjdk-17-jre-headless maven).`,
      ].join('\n'),
    )
  }
  const key = fingerprint([pom, source], kafkaVersion).slice(0, 16)
  const jars = await mavenJars({
    cache,
    name: `kafka-streams-${fingerprint([pom], kafkaVersion).slice(0, 16)}`,
    pom,
    kafkaVersion,
    what: `Kafka Streams ${kafkaVersion}`,
    say: () => say(`fetching Kafka Streams ${kafkaVersion} with Maven (once, 90 MB)`),
  })
  const classes = join(cache, `kafka-streams-classes-${key}`)
  if (!existsSync(classes)) await compile(classes, jars)
  return [
    ...['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'],
    ...['-cp', [classes, join(jars, '*')].join(delimiter), 'CountingApp'],
  ]
}

/**
 * By a compiler that is a jar: where there is Java to run programs, there may be none to compile them. The folder appears whole or not at all.
 * @param {string} classes
 * @param {string} jars
 */
async function compile(classes, jars) {
  const partial = `${classes}.${process.pid}.partial`
  await mkdir(partial, { recursive: true })
  try {
    const classpath = (await readdir(jars)).map((jar) => join(jars, jar)).join(delimiter)
    const { code, output } = await run('java', [
      ...['-cp', join(jars, '*'), compiler, '-source', '17', '-target', '17', '-nowarn', '-proc:none'],
      ...['-classpath', classpath, '-d', partial, source],
    ])
    if (code !== 0) throw new Error(`${source} could not be compiled:\n${output.trim()}`)
    await rename(partial, classes).catch((/** @type {unknown} */ error) => {
      if (!existsSync(classes)) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}
