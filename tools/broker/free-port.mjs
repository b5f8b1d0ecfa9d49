export { freePort } from '../../packages/cli/broker/free-port.mjs'
