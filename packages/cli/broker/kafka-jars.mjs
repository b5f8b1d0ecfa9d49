import { fileURLToPath } from 'node:url'
import { mavenJars } from './maven-jars.mjs'

/** The Kafka that tests run against. */
export const kafkaVersion = '4.1.1'

/**
 * A folder with the jars of a broker, fetched once.
 * @param {string} cache The folder of what is fetched.
 * @param {(message: string) => void} say
 * @returns {Promise<string>}
 */
export function kafkaJars(cache, say) {
  return mavenJars({
    cache,
    name: `kafka-${kafkaVersion}`,
    pom: fileURLToPath(new URL('pom.xml', import.meta.url)),
    kafkaVersion,
    what: `Kafka ${kafkaVersion}`,
    say: () => say(`fetching Kafka ${kafkaVersion} with Maven (once, 45 MB)`),
  })
}
