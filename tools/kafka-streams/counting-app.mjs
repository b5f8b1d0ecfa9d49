import { join } from 'node:path'
import { root } from '../paths.mjs'
import { streamsProgram } from './streams-program.mjs'

/**
 * The Kafka Streams application of `tests/kafka-streams`.
 * @param {(message: string) => void} say
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<readonly string[]>} What `java` is given to run it, up to its own arguments.
 */
export function countingApp(say, env = process.env) {
  const program = {
    source: join(root, 'tests', 'kafka-streams', 'CountingApp.java'),
    whose: 'Tests beside Kafka Streams need',
    javaOptions: ['-Xmx256m', '-XX:TieredStopAtLevel=1'],
  }
  return streamsProgram(program, say, env)
}
