import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { run } from './run.mjs'
import { freePorts } from './free-port.mjs'
import { CHEAP_START, JavaNode } from './java-node.mjs'
import { kafkaJars } from './kafka-jars.mjs'
import { logFolder } from './log-folder.mjs'
import { pairUp, serverProperties } from './node-settings.mjs'
import { startReaper } from './reaper.mjs'

/**
 * What is missing to run a broker with Java, in words; nothing if all is there.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string | undefined>}
 */
export async function javaLacks(env = process.env) {
  const java = await run('java', ['-version'], { env })
  if (java.code !== 0) return 'no Java'
  const version = Number(/version "(?:1\.)?(\d+)/.exec(java.output)?.[1] ?? 0)
  if (version < 17) return `Java ${version}, needs 17`
  const maven = await run('mvn', ['--version'], { env })
  return maven.code === 0 ? undefined : 'no Maven'
}

/**
 * Real Kafka, in KRaft mode, from the jars of Maven Central: in a folder of its own and on free ports, all gone after `stop()`, and
 * also when this process dies.
 * @param {import('./broker.mjs').BrokerOptions} options
 * @returns {Promise<import('./broker.mjs').Broker>}
 */
export async function javaBroker({ nodes: count, port, version, proxyPorts = [], longLived = false, cache, say }) {
  const jars = await kafkaJars(cache, say, version)
  const classpath = [join(jars, '*')].join(delimiter)
  const folder = await mkdtemp(join(logFolder(longLived), 'millrace-kafka-'))
  const reaper = startReaper()
  reaper.watchFolder(folder)

  const ports = await freePorts(2 * count + proxyPorts.length)
  const proxied = pairUp(proxyPorts, ports.slice(2 * count))
  const plans = Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    port: port === undefined ? Number(ports[i]) : port + i,
    controllerPort: Number(ports[count + i]),
    folder: join(folder, `node-${i + 1}`),
    ...(proxied[i] && { proxied: proxied[i] }),
  }))
  const nodes = plans.map((plan) => new JavaNode(plan, { classpath, longLived, reaper }))
  const stop = async () => {
    // Nothing of them is kept, so nothing need be put in order.
    await Promise.all(nodes.map((node) => node.kill()))
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    reaper.close()
  }

  try {
    // It may begin with a dash, which only '=' keeps from being taken for an option.
    const clusterId = randomBytes(16).toString('base64url')
    await Promise.all(plans.map((plan) => format(plan, serverProperties(plan, plans), { clusterId, classpath })))
    await Promise.all(nodes.map((node) => node.start()))
  } catch (error) {
    await stop()
    throw error
  }
  const at = (/** @type {number} */ index) => {
    const node = nodes[index]
    if (node === undefined) throw new RangeError(`There is no broker ${index}: this cluster has ${nodes.length}, counted from 0.`)
    return node
  }
  return {
    kind: 'java',
    brokers: nodes.map((node) => node.address).join(','),
    nodes: nodes.map((node) => node.address),
    proxied: proxied.map((one) => `127.0.0.1:${one.port}`),
    kill: (index) => at(index).kill(),
    restart: async (index) => {
      await at(index).stop()
      await at(index).start()
    },
    freeze: (index) => at(index).freeze(),
    thaw: async (index) => at(index).thaw(),
    processIds: () => nodes.flatMap(({ processId }) => processId ?? []),
    stop,
  }
}

/**
 * Gives a node its settings and an empty log that knows its cluster.
 * @param {import('./node-settings.mjs').NodePlan} plan
 * @param {string} properties The whole settings file.
 * @param {{ clusterId: string, classpath: string, users?: readonly string[] }} options `users`: who may log in by SCRAM, as Kafka's `--add-scram` takes them.
 */
export async function format(plan, properties, { clusterId, classpath, users = [] }) {
  const settings = join(plan.folder, 'server.properties')
  await mkdir(plan.folder, { recursive: true })
  await writeFile(settings, properties)
  const { code, output } = await run('java', [
    ...[...CHEAP_START, '-cp', classpath],
    ...['kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId}`, '--config', settings],
    ...users.flatMap((user) => ['--add-scram', user]),
  ])
  if (code !== 0) throw new Error(`Kafka could not format ${plan.folder}:\n${output.trim()}`)
}
