import { fileURLToPath } from 'node:url'
import { mavenJars } from './maven-jars.mjs'

/** The Kafka that tests run against, unless they are told another. */
export const kafkaVersion = '4.1.1'

/**
 * A folder with the jars of a broker, fetched once.
 * @param {string} cache The folder of what is fetched.
 * @param {(message: string) => void} say
 * @param {string} [version]
 * @returns {Promise<string>}
 */
export function kafkaJars(cache, say, version = kafkaVersion) {
  return mavenJars({
    cache,
    name: `kafka-${version}`,
    pom: fileURLToPath(new URL('pom.xml', import.meta.url)),
    kafkaVersion: version,
    what: `Kafka ${version}`,
    say: () => say(`fetching Kafka ${version} with Maven (once, 45 MB)`),
  })
}
