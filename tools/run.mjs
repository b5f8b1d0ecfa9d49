export { run } from '../packages/cli/broker/run.mjs'
