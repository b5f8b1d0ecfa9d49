import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { javaLacks } from '../../packages/cli/broker/java-broker.mjs'
import { kafkaVersion } from '../../packages/cli/broker/kafka-jars.mjs'
import { mavenJars } from '../../packages/cli/broker/maven-jars.mjs'
import { cache } from '../paths.mjs'
import { run } from '../run.mjs'
import { fingerprint } from '../setup/stamp.mjs'

const pom = fileURLToPath(new URL('pom.xml', import.meta.url))
const common = fileURLToPath(new URL('StreamsProgram.java', import.meta.url))
const compiler = 'org.eclipse.jdt.internal.compiler.batch.Main'

/**
 * @typedef {object} StreamsProgram
 * @property {string} source Of its main class, which is called as the file.
 * @property {string} whose For people: what needs Java.
 * @property {readonly string[]} javaOptions
 */

/**
 * Makes a program with a Kafka Streams application: its jars are fetched once, and it is compiled when it has changed.
 * @param {StreamsProgram} program
 * @param {(message: string) => void} say
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<readonly string[]>} What `java` is given to run it, up to its own arguments.
 */
export async function streamsProgram({ source, whose, javaOptions }, say, env = process.env) {
  const lacking = await javaLacks(env)
  if (lacking !== undefined) {
    throw new Error(
      [
        `${whose} Java 17 and Maven, whichever broker they use: a Kafka Streams application is fetched, compiled and run`,
        `(${lacking}; on Debian: apt-get install openjdk-17-jre-headless maven).`,
      ].join('\n'),
    )
  }
  const jars = await mavenJars({
    cache,
    name: `kafka-streams-${fingerprint([pom], kafkaVersion).slice(0, 16)}`,
    pom,
    kafkaVersion,
    what: `Kafka Streams ${kafkaVersion}`,
    say: () => say(`fetching Kafka Streams ${kafkaVersion} with Maven (once, 90 MB)`),
  })
  const sources = [common, source]
  const classes = join(cache, `kafka-streams-classes-${fingerprint([pom, ...sources], kafkaVersion).slice(0, 16)}`)
  if (!existsSync(classes)) await compile(sources, classes, jars)
  return [
    ...[...javaOptions, '-Djava.awt.headless=true', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'],
    ...['-cp', [classes, join(jars, '*')].join(delimiter), basename(source, '.java')],
  ]
}

/**
 * By a compiler that is a jar: where there is Java to run programs, there may be none to compile them. The folder appears whole or not at all.
 * @param {readonly string[]} sources
 * @param {string} classes
 * @param {string} jars
 */
async function compile(sources, classes, jars) {
  const partial = `${classes}.${process.pid}.partial`
  await mkdir(partial, { recursive: true })
  try {
    const classpath = (await readdir(jars)).map((jar) => join(jars, jar)).join(delimiter)
    const { code, output } = await run('java', [
      ...['-cp', join(jars, '*'), compiler, '-source', '17', '-target', '17', '-nowarn', '-proc:none'],
      ...['-classpath', classpath, '-d', partial, ...sources],
    ])
    if (code !== 0) throw new Error(`${sources.join(', ')} could not be compiled:\n${output.trim()}`)
    await rename(partial, classes).catch((/** @type {unknown} */ error) => {
      if (!existsSync(classes)) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}
