import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './run.mjs'

const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/**
 * @typedef {object} Jars
 * @property {string} cache The folder of what is fetched.
 * @property {string} name Of their folder in it: another one for other jars.
 * @property {string} pom What they are, with a version of Kafka that is filled in.
 * @property {string} kafkaVersion
 * @property {string} what For people.
 * @property {() => void} say Called before anything is fetched.
 */

/**
 * A folder with the jars that a `pom.xml` names, fetched once. It appears whole or not at all, so an interrupted fetch is simply repeated.
 * @param {Jars} jars
 * @returns {Promise<string>}
 */
export async function mavenJars({ cache, name, pom, kafkaVersion, what, say }) {
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  say()
  const partial = `${folder}.${process.pid}.partial`
  await mkdir(partial, { recursive: true })
  try {
    const { code, output } = await run('mvn', [
      ...['--batch-mode', '--quiet', '--file', pom],
      ...[`-Dkafka.version=${kafkaVersion}`, '-DincludeScope=runtime', `-DoutputDirectory=${partial}`],
      copyDependencies,
    ])
    if (code !== 0) throw new Error(`Maven could not fetch ${what}:\n${output.trim()}`)
    await rename(partial, folder).catch((/** @type {unknown} */ error) => {
      if (!existsSync(folder)) throw error
    })
    return folder
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}
