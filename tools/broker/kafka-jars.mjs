import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cache } from '../paths.mjs'
import { run } from '../run.mjs'

/** The Kafka that tests run against. */
export const kafkaVersion = '4.1.1'

const pom = fileURLToPath(new URL('pom.xml', import.meta.url))
const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/**
 * A folder with the jars of a broker, fetched once. It appears whole or not at all, so an interrupted fetch is simply repeated.
 * @param {(message: string) => void} say
 * @returns {Promise<string>}
 */
export async function kafkaJars(say) {
  const folder = join(cache, `kafka-${kafkaVersion}`)
  if (existsSync(folder)) return folder
  say(`fetching Kafka ${kafkaVersion} with Maven (once, 45 MB)`)
  const partial = `${folder}.${process.pid}.partial`
  await mkdir(partial, { recursive: true })
  try {
    const { code, output } = await run('mvn', [
      ...['--batch-mode', '--quiet', '--file', pom],
      ...[`-Dkafka.version=${kafkaVersion}`, '-DincludeScope=runtime', `-DoutputDirectory=${partial}`],
      copyDependencies,
    ])
    if (code !== 0) throw new Error(`Maven could not fetch Kafka ${kafkaVersion}:\n${output.trim()}`)
    await rename(partial, folder).catch((/** @type {unknown} */ error) => {
      if (!existsSync(folder)) throw error
    })
    return folder
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}
