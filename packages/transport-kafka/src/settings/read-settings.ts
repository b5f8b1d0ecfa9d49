import type { TopicSettings } from '@millrace/core'
import type * as platformatic from '@platformatic/kafka'
import { within } from '../confluent/within.ts'
import type { ResolvedKafkaOptions } from '../options/resolve-options.ts'
import { withOtherAdmin } from './other-admin.ts'
import { type DescribedTopic, failureOf, settingsIn } from './settings-answer.ts'

/**
 * The settings of topics that exist, read through another client, since the one for everything else can't. Whatever keeps it from answering is told,
 * but for brokers that are away: then this rejects with a `ClientError`.
 */
export async function readSettings(
  topics: readonly string[],
  options: ResolvedKafkaOptions,
  load?: () => Promise<typeof platformatic>,
): Promise<TopicSettings> {
  const ask = (admin: platformatic.Admin, library: typeof platformatic) => {
    const resources = topics.map((topic) => ({ resourceType: library.ConfigResourceTypes.TOPIC, resourceName: topic }))
    const described = admin.describeConfigs({ resources }) as Promise<readonly DescribedTopic[]>
    return within('read settings of topics', options.requestTimeoutMs, described)
  }
  try {
    return settingsIn(await withOtherAdmin(options, ask, load))
  } catch (error) {
    return failureOf(error)
  }
}
