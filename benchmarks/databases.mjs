import { openClickhouse } from '../tools/databases/clickhouse.mjs'
import { openPostgres } from '../tools/databases/postgres.mjs'

const built = /** @type {unknown} */ (await import(new URL('dist/databases/main.js', import.meta.url).href))
const { main } = /** @type {{ main: (args: readonly string[], tools: unknown) => Promise<number> }} */ (built)
process.exitCode = await main(process.argv.slice(2), { openClickhouse, openPostgres })
