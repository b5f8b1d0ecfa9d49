import type { TestProject } from 'vitest/node'
import { openClickhouse } from '../../tools/databases/clickhouse.mjs'
import { openPostgres } from '../../tools/databases/postgres.mjs'

declare module 'vitest' {
  interface ProvidedContext {
    /** Addresses of real servers. */
    postgresUrl: string
    clickhouseUrl: string
  }
}

/** One server of each kind for a whole run. Files keep apart by the names of their tables. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const [postgres, clickhouse] = await Promise.allSettled([openPostgres(), openClickhouse()])
  const stop = async () => {
    for (const server of [postgres, clickhouse]) if (server.status === 'fulfilled') await server.value.stop()
  }
  for (const server of [postgres, clickhouse]) {
    if (server.status === 'fulfilled') continue
    await stop()
    throw server.reason
  }
  if (postgres.status === 'fulfilled') provide('postgresUrl', postgres.value.url)
  if (clickhouse.status === 'fulfilled') provide('clickhouseUrl', clickhouse.value.url)
  return stop
}
