import { answersKafka } from './answers-kafka.mjs'

/**
 * The brokers somebody already runs (`KAFKA_BROKERS`). They are his: nothing here stops or restarts them.
 * @param {string} brokers
 * @returns {Promise<import('./broker.mjs').Broker>}
 */
export async function givenBroker(brokers) {
  const nodes = brokers.split(',').map((address) => address.trim())
  const answers = await Promise.all(nodes.map((address) => answersKafka(address)))
  if (!answers.includes(true)) throw new Error(`KAFKA_BROKERS is ${brokers}, but no Kafka broker answers there.`)
  const notOurs = () => Promise.reject(new Error('The brokers of KAFKA_BROKERS are not ours to stop. Unset it to let a broker be started.'))
  return {
    kind: 'given',
    brokers: nodes.join(','),
    nodes,
    proxied: [],
    kill: notOurs,
    restart: notOurs,
    freeze: notOurs,
    thaw: notOurs,
    processIds: () => [],
    stop: () => Promise.resolve(),
  }
}
