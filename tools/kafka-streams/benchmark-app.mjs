import { join } from 'node:path'
import { root } from '../paths.mjs'
import { streamsProgram } from './streams-program.mjs'

/**
 * The Kafka Streams application of `benchmarks/kafka-streams`, which Millrace is measured beside; compiled by the JVM as it thinks best.
 * @param {(message: string) => void} say
 * @returns {Promise<readonly string[]>} What `java` is given to run it, but for the size of its heap, up to its own arguments.
 */
export function benchmarkApp(say) {
  const program = {
    source: join(root, 'benchmarks', 'kafka-streams', 'BenchmarkApp.java'),
    whose: 'Benchmarks beside Kafka Streams need',
    javaOptions: [],
  }
  return streamsProgram(program, say)
}
