export { freePort, freePorts } from '../../packages/cli/broker/free-port.mjs'
