import { openBroker } from '../tools/broker/broker.mjs'

const built = /** @type {unknown} */ (await import(new URL('dist/clients/main.js', import.meta.url).href))
const { main } = /** @type {{ main: (args: readonly string[], openBroker: unknown) => Promise<void> }} */ (built)
await main(process.argv.slice(2), openBroker)
