/**
 * @typedef {object} Proxied
 * @property {number} port Where the node waits for the proxy.
 * @property {number} advertised Of the proxy, on 127.0.0.1: what clients are told.
 */

/**
 * @typedef {object} NodePlan
 * @property {number} id
 * @property {number} port What clients connect to.
 * @property {number} controllerPort
 * @property {Proxied} [proxied] A second listener, for clients that come through a proxy.
 * @property {string} folder
 */

/**
 * The settings every broker of ours runs with, whoever starts it: groups form at once, sessions may be as short as a second, a
 * killed broker may soon return, and a topic exists only if somebody created it.
 * @param {number} nodeCount
 * @returns {Record<string, string>}
 */
export function testSettings(nodeCount) {
  const replicas = String(Math.min(3, nodeCount))
  const inSync = nodeCount >= 3 ? '2' : '1'
  return {
    'auto.create.topics.enable': 'false',
    'broker.heartbeat.interval.ms': '500',
    'broker.session.timeout.ms': '5000',
    'default.replication.factor': replicas,
    'group.consumer.heartbeat.interval.ms': '500',
    'group.consumer.min.heartbeat.interval.ms': '500',
    'group.consumer.min.session.timeout.ms': '1000',
    'group.consumer.session.timeout.ms': '10000',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'min.insync.replicas': inSync,
    'offsets.topic.num.partitions': '4',
    'offsets.topic.replication.factor': replicas,
    // Who says in which rack he is reads from the replica there; clients that say nothing read from leaders.
    'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
    'share.coordinator.state.topic.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
  }
}

/**
 * What a node adds to its listeners, and to those that it advertises; nothing without a proxy.
 * @param {Proxied | undefined} proxied
 * @param {string} host On which it listens; '' for all.
 */
export function proxiedListener(proxied, host) {
  return proxied && { listener: `,PROXIED://${host}:${proxied.port}`, advertised: `,PROXIED://127.0.0.1:${proxied.advertised}` }
}

/**
 * Each proxy with a port for its node.
 * @param {readonly number[]} proxyPorts
 * @param {readonly number[]} ports As many, free.
 * @returns {Proxied[]}
 */
export function pairUp(proxyPorts, ports) {
  return proxyPorts.map((advertised, i) => ({ port: Number(ports[i]), advertised }))
}

/**
 * The whole settings file of one node: broker and controller at once.
 * @param {NodePlan} node
 * @param {readonly NodePlan[]} cluster
 * @returns {string}
 */
export function serverProperties(node, cluster) {
  const proxied = proxiedListener(node.proxied, '127.0.0.1')
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'broker.rack': `rack-${node.id}`,
    'controller.quorum.voters': cluster.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}${proxied?.listener ?? ''}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}${proxied?.advertised ?? ''}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': `${node.folder.replaceAll('\\', '/')}/data`,
    ...testSettings(cluster.length),
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
