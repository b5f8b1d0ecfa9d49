/** How the HTTP server is opened. */
export interface HttpOptions {
  /** 0: any that is free. Default: 9464. */
  readonly port?: number | undefined
  /** The address it listens at. Default: `127.0.0.1`, so that only this machine reaches it. */
  readonly host?: string | undefined
  /** Asked for as `Authorization: Bearer`, by all but health checks and the files of the dashboard. At least 16 characters. Default: none is asked for. */
  readonly token?: string | undefined
  /** `host:port` at which other processes reach this server: told to the group, for keys that are here. Port 0 stands for the one it listens at. Default: none is told. */
  readonly advertise?: string | boolean | undefined
  /** Requests a second, of those with the token and of all others each. Default: 50. */
  readonly requestsPerSecond?: number | undefined
  /** Serves the dashboard at `/`. Default: true. */
  readonly dashboard?: boolean | undefined
}

export interface ResolvedHttpOptions {
  readonly port: number
  readonly host: string
  readonly token: string | undefined
  readonly advertise: string | boolean
  readonly requestsPerSecond: number
  readonly dashboard: boolean
}

const NAMES: readonly (keyof HttpOptions)[] = ['port', 'host', 'token', 'advertise', 'requestsPerSecond', 'dashboard']

/** With every default; what is wrong is added to `problems`. */
export function resolveHttp(options: HttpOptions, problems: string[]): ResolvedHttpOptions {
  const { port = 9464, host = '127.0.0.1', token, advertise = false, requestsPerSecond = 50, dashboard = true } = options
  for (const name of Object.keys(options))
    if (!NAMES.includes(name as keyof HttpOptions)) problems.push(`http.${name} is no option; there are ${NAMES.join(', ')}.`)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    problems.push(`http.port is ${String(port)}; use a whole number from 0 to 65,535.`)
  if (typeof host !== 'string' || host === '') problems.push(`http.host is ${String(host)}; name an address.`)
  if (token !== undefined && (typeof token !== 'string' || !/^[\x21-\x7e]{16,1024}$/.test(token)))
    problems.push('http.token is no token; use 16 to 1,024 visible characters of ASCII.')
  if (typeof advertise !== 'boolean' && !(typeof advertise === 'string' && /^[^\s@]{1,240}:\d{1,5}$/.test(advertise)))
    problems.push("http.advertise is no address; use 'host:port', or true for the address it listens at.")
  if (advertise === true && /^(0\.0\.0\.0|::|\[::\])$/.test(host))
    problems.push(`http.advertise is true and http.host is ${host}, at which nobody else reaches it; name the address that others use.`)
  if (!(requestsPerSecond >= 1 && requestsPerSecond <= 100_000))
    problems.push(`http.requestsPerSecond is ${String(requestsPerSecond)}; use a number from 1 to 100,000.`)
  if (typeof dashboard !== 'boolean') problems.push(`http.dashboard is ${String(dashboard)}; use true or false.`)
  return { port, host, token, advertise, requestsPerSecond, dashboard }
}
