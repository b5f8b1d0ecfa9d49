import { cacheFolder } from './cache-folder.mjs'
import { dockerAnswers, dockerBroker } from './docker-broker.mjs'
import { requireFree } from './free-port.mjs'
import { givenBroker } from './given-broker.mjs'
import { javaBroker, javaLacks } from './java-broker.mjs'

/**
 * A running Kafka, one node or several.
 * @typedef {object} Broker
 * @property {'given' | 'docker' | 'java'} kind Where it came from.
 * @property {string} brokers What clients are given: `host:port`, several separated by commas.
 * @property {readonly string[]} nodes The address of each node.
 * @property {readonly string[]} proxied Where each node waits for its proxy, if there are any: see `proxyPorts`.
 * @property {(index: number) => Promise<void>} kill SIGKILL, counted from 0. `restart` brings the node back.
 * @property {(index: number) => Promise<void>} restart Stops the node in order if it runs, and starts it on the same data and port.
 * @property {(index: number) => Promise<void>} freeze Lets the node stand still: its connections stay, and nobody answers. `thaw` lets it go on.
 * @property {(index: number) => Promise<void>} thaw
 * @property {() => readonly number[]} processIds Of the nodes that run, where they are processes of ours; else none.
 * @property {() => Promise<void>} stop Stops every node and deletes the data.
 */

/**
 * @typedef {object} BrokerOptions
 * @property {number} nodes
 * @property {number | undefined} [port] Of the first node; the others follow. Free ports unless given; one that is taken is refused.
 * @property {string | undefined} [version] Of Kafka, such as 3.9.1. By default that which Millrace is tested against.
 * @property {string | undefined} [image] The container image, where Docker is used.
 * @property {readonly number[]} [proxyPorts] On 127.0.0.1, of a proxy before each node: whoever comes through it is told to come that way again.
 * @property {boolean} [longLived] Where it is ours: it is compiled for speed, which costs it seconds of CPU at first. Else it starts cheaply.
 * @property {string} cache The folder of what is fetched once. By default one of the user's.
 * @property {(message: string) => void} say
 */

/**
 * Obtains a real broker by the first way that is open here. There is no fourth: whoever needs a broker fails without one, aloud.
 * @param {Partial<BrokerOptions>} [options]
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<Broker>}
 */
export async function openBroker(
  { nodes = 1, port, version, image, proxyPorts = [], longLived = false, cache, say = () => {} } = {},
  env = process.env,
) {
  const chosen = { version: version ?? env['MILLRACE_KAFKA_VERSION'], image: image ?? env['MILLRACE_KAFKA_IMAGE'] }
  const options = { nodes, port, ...chosen, proxyPorts, longLived, cache: cache ?? cacheFolder(env), say }
  const given = env['KAFKA_BROKERS']
  if (given !== undefined && given !== '') {
    if (given.split(',').length < nodes) throw new Error(`KAFKA_BROKERS names ${given}, but ${nodes} nodes are needed.`)
    if (proxyPorts.length > 0) throw new Error(`KAFKA_BROKERS names ${given}: brokers that are not ours can't be put behind a proxy.`)
    return givenBroker(given)
  }
  if (port !== undefined) await requireFree(port, nodes)
  if (await dockerAnswers()) return dockerBroker(options)
  const lacking = await javaLacks()
  if (lacking === undefined) return javaBroker(options)
  throw new Error(
    [
      'A Kafka broker is needed, and none of the three ways to one is open:',
      '  KAFKA_BROKERS=host:port   a broker that already runs (not set)',
      '  Docker                    a container is started (no Docker daemon answers, or the package testcontainers is not installed)',
      `  Java 17 and Maven         Kafka is fetched and started (${lacking}; on Debian: apt-get install openjdk-17-jre-headless maven)`,
    ].join('\n'),
  )
}
