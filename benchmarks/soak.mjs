import { openBroker } from '../tools/broker/broker.mjs'

const built = /** @type {unknown} */ (await import(new URL('dist/soak/main.js', import.meta.url).href))
const { main } = /** @type {{ main: (args: readonly string[], open: unknown) => Promise<number> }} */ (built)
process.exitCode = await main(process.argv.slice(2), openBroker)
