import { type ClickHouseClientConfigOptions, ClickHouseLogLevel } from '@clickhouse/client'

/** The longest that a timer can wait, in milliseconds: each request has a signal that ends it sooner. */
const NO_LIMIT_MS = 2_147_483_647
/** More than any sink has inserts at once: connections are opened when they are needed. */
const MOST_CONNECTIONS = 1_010

/** Options of a client that limits nothing which the sink limits itself; what is given goes over them. */
export function clientConfig(url: string | undefined, given: ClickHouseClientConfigOptions = {}): ClickHouseClientConfigOptions {
  return {
    request_timeout: NO_LIMIT_MS,
    max_open_connections: MOST_CONNECTIONS,
    log: { level: ClickHouseLogLevel.OFF },
    ...given,
    ...(url !== undefined && { url }),
  }
}
