import type { TopicSettings } from '@millrace/core'
import type * as platformatic from '@platformatic/kafka'
import { within } from '../confluent/within.ts'
import type { ResolvedKafkaOptions } from '../options/resolve-options.ts'
import { connectionSettings } from './connection-settings.ts'
import { type DescribedTopic, failureOf, settingsIn } from './settings-answer.ts'

/** For one broker. Several are tried in turn, twice, as long as a request may take. */
const CONNECT_MS = 5_000
const CLIENT_ID = 'millrace-settings'

/**
 * The settings of topics that exist, read through another client, since the one for everything else can't: it is loaded and connected for this
 * question, and closed. Whatever keeps it from answering is told, but for brokers that are away: then this rejects with a `ClientError`.
 */
export async function readSettings(topics: readonly string[], options: ResolvedKafkaOptions, load = loadLibrary): Promise<TopicSettings> {
  try {
    const connection = await connectionSettings(options)
    const library = await load()
    const admin = new library.Admin({
      clientId: CLIENT_ID,
      ...connection,
      bootstrapBrokers: [...connection.bootstrapBrokers],
      connectTimeout: Math.min(CONNECT_MS, options.connectTimeoutMs),
      requestTimeout: options.requestTimeoutMs,
      timeout: options.requestTimeoutMs,
      retries: 1,
      retryDelay: 200,
    })
    try {
      const resources = topics.map((topic) => ({ resourceType: library.ConfigResourceTypes.TOPIC, resourceName: topic }))
      const described = admin.describeConfigs({ resources }) as Promise<readonly DescribedTopic[]>
      return settingsIn(await within('read settings of topics', options.requestTimeoutMs, described))
    } finally {
      await admin.close().catch(() => undefined)
    }
  } catch (error) {
    return failureOf(error)
  }
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
