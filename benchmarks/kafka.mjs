import { openBroker } from '../tools/broker/broker.mjs'
import { TcpProxy } from '../tools/broker/tcp-proxy.mjs'
import { benchmarkApp } from '../tools/kafka-streams/benchmark-app.mjs'

const openProxy = (/** @type {{ delayMs: number }} */ options) => TcpProxy.open(options)
const built = /** @type {unknown} */ (await import(new URL('dist/kafka/main.js', import.meta.url).href))
const { main } = /** @type {{ main: (args: readonly string[], tools: unknown) => Promise<number> }} */ (built)
process.exitCode = await main(process.argv.slice(2), { openBroker, openProxy, streamsApp: benchmarkApp })
