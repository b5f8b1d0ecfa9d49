import { openBroker as open } from '../../packages/cli/broker/broker.mjs'
import { cache } from '../paths.mjs'

/**
 * The broker of `millrace broker`, whose jars are kept in this checkout.
 * @param {Partial<import('../../packages/cli/broker/broker.mjs').BrokerOptions>} [options]
 * @param {NodeJS.ProcessEnv} [env]
 */
export function openBroker(options, env) {
  return open({ cache, ...options }, env)
}
