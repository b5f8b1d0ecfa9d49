import { parseArgs } from 'node:util'
import { openClickhouse } from '../../tools/databases/clickhouse.mjs'

const { values } = parseArgs({
  options: {
    clickhouse: { type: 'string' },
    brokers: { type: 'string' },
    events: { type: 'string', default: '10000' },
    'metrics-port': { type: 'string' },
  },
})
const built = /** @type {unknown} */ (await import(new URL('dist/main.js', import.meta.url).href))
const { run } = /** @type {{ run: (options: object) => Promise<unknown> }} */ (built)
const given = values.clickhouse
const server = given === undefined ? await openClickhouse() : undefined
try {
  const port = values['metrics-port']
  await run({
    clickhouse: given ?? server?.url,
    brokers: values.brokers,
    events: Number(values.events),
    metricsPort: port === undefined ? undefined : Number(port),
    say: (/** @type {string} */ line) => process.stdout.write(`${line}\n`),
  })
} finally {
  await server?.stop()
}
