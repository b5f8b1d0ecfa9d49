import { parseArgs } from 'node:util'
import { openBroker } from './broker/broker.mjs'
import { say } from './say.mjs'
import { prepare } from './setup/prepare.mjs'

const usage = `Usage: pnpm broker [--nodes N] [--port PORT] [--image IMAGE]

Starts a Kafka broker to play with, prints its address, and stops it on Ctrl-C.

  --nodes N      brokers in the cluster (1)
  --port PORT    of the first broker; the others follow (free ports)
  --image IMAGE  where Docker runs (apache/kafka; docker.redpanda.com/redpandadata/redpanda works too)`

/** @param {string[]} args */
function parse(args) {
  const { values } = parseArgs({
    args,
    options: { nodes: { type: 'string', default: '1' }, port: { type: 'string' }, image: { type: 'string' }, help: { type: 'boolean' } },
  })
  return { nodes: count('--nodes', values.nodes), port: count('--port', values.port), image: values.image, help: values.help === true }
}

/**
 * @param {string} name
 * @param {string | undefined} text
 */
function count(name, text) {
  if (text === undefined) return undefined
  if (!/^[1-9]\d*$/.test(text)) throw new TypeError(`${name} takes a whole number from 1, not '${text}'.`)
  return Number(text)
}

/** @param {string[]} args */
async function main(args) {
  let options
  try {
    options = parse(args)
  } catch (error) {
    say(`${/** @type {Error} */ (error).message}\n\n${usage}`)
    return 2
  }
  if (options.help) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  await prepare({ native: 'unneeded', build: false })
  // `on`, not `once`: a library that finds no other listener on a signal ends the process.
  const stopped = new Promise((resolve) => {
    process.on('SIGINT', resolve)
    process.on('SIGTERM', resolve)
  })
  const { nodes, port, image } = options
  try {
    const broker = await openBroker({ ...(nodes && { nodes }), ...(port && { port }), ...(image && { image }), longLived: true, say })
    process.stdout.write(`${broker.brokers}\n`)
    const stayAlive = setInterval(() => {}, 1_000_000)
    await stopped
    clearInterval(stayAlive)
    say('stopping')
    await broker.stop()
    return 0
  } catch (error) {
    say(/** @type {Error} */ (error).message)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
