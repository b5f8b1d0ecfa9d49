import type * as platformatic from '@platformatic/kafka'
import type { ResolvedKafkaOptions } from '../options/resolve-options.ts'
import { connectionSettings } from './connection-settings.ts'
import type { OAuthLogin } from './oauth-login.ts'

/** For one broker. Several are tried in turn, twice, as long as a request may take. */
const CONNECT_MS = 5_000
const CLIENT_ID = 'millrace-settings'

/**
 * Asks through the admin of another client, which is loaded and connected for this one question, and closed. Rejects with what `use` does, or with an
 * `Error` that says why there is no such client.
 */
export async function withOtherAdmin<T>(
  options: ResolvedKafkaOptions,
  use: (admin: platformatic.Admin, library: typeof platformatic) => Promise<T>,
  load = loadLibrary,
): Promise<T> {
  const { sasl, ...connection } = await connectionSettings(options)
  const library = await load()
  const admin = new library.Admin({
    clientId: CLIENT_ID,
    ...connection,
    ...(sasl !== undefined && { sasl: 'token' in sasl ? await onceLoggedIn(sasl) : sasl }),
    bootstrapBrokers: [...connection.bootstrapBrokers],
    connectTimeout: Math.min(CONNECT_MS, options.connectTimeoutMs),
    requestTimeout: options.requestTimeoutMs,
    timeout: options.requestTimeoutMs,
    retries: 1,
    retryDelay: 200,
  })
  try {
    return await use(admin, library)
  } finally {
    await admin.close().catch(() => undefined)
  }
}

/** One token is enough for one question, whatever becomes of it. */
async function onceLoggedIn({ mechanism, token }: OAuthLogin) {
  const { value, extensions } = await token()
  return { mechanism, token: value, ...(extensions !== undefined && { oauthBearerExtensions: { ...extensions } }) }
}

/** When it is first needed: most of its weight is for what is not done with it. */
async function loadLibrary(): Promise<typeof platformatic> {
  try {
    return await import('@platformatic/kafka')
  } catch (error) {
    const [reason] = String((error as Error).message).split('\n')
    throw new Error(`the package @platformatic/kafka, which reads them, can't be loaded (${reason}): install it beside millrace`, {
      cause: error,
    })
  }
}
