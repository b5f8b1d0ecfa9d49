import { freePorts } from './free-port.mjs'
import { waitForKafka } from './answers-kafka.mjs'
import { kafkaVersion } from './kafka-jars.mjs'
import { pairUp, proxiedListener, testSettings } from './node-settings.mjs'

const startLimitMs = 120_000
const innerPort = 19092
const controllerPort = 19093

/** @returns {Promise<boolean>} Whether a Docker daemon can be reached the way Testcontainers reaches it. */
export async function dockerAnswers() {
  try {
    const { getContainerRuntimeClient } = await import('testcontainers')
    await getContainerRuntimeClient()
    return true
  } catch {
    return false
  }
}

/**
 * What a container of a cluster is told. `apache/kafka` takes its settings from the environment; Redpanda speaks the same
 * protocol and takes a command line.
 * @typedef {object} ContainerPlan
 * @property {string} alias Its name among the others.
 * @property {number} port On the host, and the same inside: what a broker tells its clients must hold outside.
 * @property {import('./node-settings.mjs').Proxied | undefined} [proxied]
 * @property {string[]} [command]
 * @property {Record<string, string>} environment
 */

/**
 * @param {string} image
 * @param {string} host
 * @param {readonly number[]} ports
 * @param {readonly import('./node-settings.mjs').Proxied[]} [proxied]
 * @returns {ContainerPlan[]}
 */
export function planContainers(image, host, ports, proxied = []) {
  return /redpanda/.test(image) ? planRedpanda(host, ports, proxied) : planKafka(host, ports, proxied)
}

/**
 * @param {string} host
 * @param {readonly number[]} ports
 * @param {readonly import('./node-settings.mjs').Proxied[]} [proxied]
 * @returns {ContainerPlan[]}
 */
function planKafka(host, ports, proxied = []) {
  const alias = (/** @type {number} */ index) => `kafka-${index + 1}`
  return ports.map((port, index) => {
    const more = proxiedListener(proxied[index], '')
    const settings = {
      ...testSettings(ports.length),
      'advertised.listeners': `PLAINTEXT://${host}:${port},INNER://${alias(index)}:${innerPort}${more?.advertised ?? ''}`,
      'controller.listener.names': 'CONTROLLER',
      'controller.quorum.voters': ports.map((_, i) => `${i + 1}@${alias(i)}:${controllerPort}`).join(','),
      'inter.broker.listener.name': 'INNER',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INNER:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT',
      listeners: `PLAINTEXT://:${port},INNER://:${innerPort},CONTROLLER://:${controllerPort}${more?.listener ?? ''}`,
      'node.id': String(index + 1),
      'broker.rack': `rack-${index + 1}`,
      'process.roles': 'broker,controller',
    }
    const environment = Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [`KAFKA_${name.toUpperCase().replaceAll('.', '_')}`, value]),
    )
    return { alias: alias(index), port, proxied: proxied[index], environment: { ...environment, CLUSTER_ID: 'bWlsbHJhY2UtLS10ZXN0Lg' } }
  })
}

/**
 * @param {string} host
 * @param {readonly number[]} ports
 * @param {readonly import('./node-settings.mjs').Proxied[]} [proxied]
 * @returns {ContainerPlan[]}
 */
function planRedpanda(host, ports, proxied = []) {
  const alias = (/** @type {number} */ index) => `redpanda-${index + 1}`
  return ports.map((port, index) => {
    const more = proxiedListener(proxied[index], '0.0.0.0')
    return {
      alias: alias(index),
      port,
      proxied: proxied[index],
      environment: {},
      command: [
        ...['redpanda', 'start', '--mode', 'dev-container', '--smp', '1', '--node-id', String(index)],
        ...['--kafka-addr', `PLAINTEXT://0.0.0.0:${port},INNER://0.0.0.0:${innerPort}${more?.listener ?? ''}`],
        ...['--advertise-kafka-addr', `PLAINTEXT://${host}:${port},INNER://${alias(index)}:${innerPort}${more?.advertised ?? ''}`],
        ...['--rpc-addr', '0.0.0.0:33145', '--advertise-rpc-addr', `${alias(index)}:33145`],
        ...['--seeds', ports.map((_, i) => `${alias(i)}:33145`).join(',')],
        ...['--set', 'redpanda.auto_create_topics_enabled=false', '--set', 'redpanda.group_initial_rebalance_delay=0'],
        ...['--set', 'redpanda.group_min_session_timeout_ms=1000'],
      ],
    }
  })
}

/**
 * A cluster of containers, removed by `stop()`, and by Testcontainers when this process dies.
 * @param {import('./broker.mjs').BrokerOptions} options
 * @returns {Promise<import('./broker.mjs').Broker>}
 */
export async function dockerBroker({
  nodes: count,
  port,
  version = kafkaVersion,
  image = `apache/kafka:${version}`,
  proxyPorts = [],
  say,
}) {
  const { GenericContainer, Network, Wait, getContainerRuntimeClient } = await import('testcontainers')
  const host = (await getContainerRuntimeClient()).info.containerRuntime.host
  const ports = port === undefined ? await freePorts(count) : Array.from({ length: count }, (_, i) => port + i)
  const proxied = pairUp(proxyPorts, await freePorts(proxyPorts.length))
  say(`starting ${count === 1 ? 'a container' : `${count} containers`} of ${image}`)
  const network = await new Network().start()
  /** @type {(() => Promise<unknown>)[]} */
  const stopping = [() => network.stop()]
  const stop = async () => {
    for (const step of stopping.toReversed()) await step()
  }
  try {
    const containers = await Promise.all(
      planContainers(image, host, ports, proxied).map(async ({ alias, port: ownPort, proxied: own, command, environment }) => {
        const container = new GenericContainer(image)
          .withNetwork(network)
          .withNetworkAliases(alias)
          .withExposedPorts(...[ownPort, ...(own ? [own.port] : [])].map((one) => ({ container: one, host: one })))
          .withEnvironment(environment)
          .withWaitStrategy(Wait.forListeningPorts())
          .withStartupTimeout(startLimitMs)
        const started = await (command === undefined ? container : container.withCommand(command)).start()
        stopping.push(() => started.stop({ timeout: 10_000 }))
        await waitForKafka(`${host}:${ownPort}`, startLimitMs)
        return { started, address: `${host}:${ownPort}` }
      }),
    )
    const at = (/** @type {number} */ index) => {
      const found = containers[index]
      if (found === undefined) throw new RangeError(`There is no broker ${index}: this cluster has ${containers.length}, counted from 0.`)
      return found
    }
    const { dockerode } = (await getContainerRuntimeClient()).container
    const container = (/** @type {number} */ index) => dockerode.getContainer(at(index).started.getId())
    return {
      kind: 'docker',
      brokers: containers.map(({ address }) => address).join(','),
      nodes: containers.map(({ address }) => address),
      proxied: proxied.map((one) => `${host}:${one.port}`),
      kill: async (index) => void (await at(index).started.stop({ timeout: 0, remove: false })),
      restart: async (index) => {
        await at(index).started.restart({ timeout: 10_000 })
        await waitForKafka(at(index).address, startLimitMs)
      },
      freeze: async (index) => void (await container(index).pause()),
      thaw: async (index) => void (await container(index).unpause()),
      processIds: () => [],
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
