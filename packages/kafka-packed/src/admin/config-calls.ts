import { type API, describeConfigsV2, describeConfigsV3, describeConfigsV4, incrementalAlterConfigsV1 } from '@platformatic/kafka'
import { askTopics } from '../cluster/ask-topics.ts'
import type { Controller } from '../cluster/controller.ts'
import { patiently } from '../cluster/patiently.ts'
import { CODE, mayPass, refusal } from '../errors/protocol-codes.ts'
import type { AdminContext } from './admin-context.ts'

const TOPIC = 2
const [SET, REMOVE] = [0, 1] as const

interface ConfigsAnswer {
  readonly results: readonly {
    readonly errorCode: number
    readonly resourceName: string
    readonly configs: readonly { readonly name: string; readonly value: string | null }[]
  }[]
}

type Resource = { resourceType: typeof TOPIC; resourceName: string; configurationKeys?: string[] | null }

const DESCRIBE_CONFIGS: readonly API<[Resource[], boolean, boolean], ConfigsAnswer>[] = [
  describeConfigsV4.api,
  describeConfigsV3.api,
  describeConfigsV2.api,
] as never

/** By topic, then by Kafka's name of the setting, as they are in force. Sensitive ones, which topics have none of, come without a value. */
export async function topicConfigs(
  { cluster, clock }: AdminContext,
  topics: readonly string[],
): Promise<Map<string, Readonly<Record<string, string>>>> {
  const resources = topics.map((resourceName): Resource => ({ resourceType: TOPIC, resourceName, configurationKeys: null }))
  const doing = (topic: string): string => `describe settings of topic '${topic}'`
  const ask = async () => {
    const { results } = await cluster.any((connection) => connection.call(DESCRIBE_CONFIGS, resources, false, false))
    const unknown = results.flatMap(({ errorCode, resourceName }) => (errorCode === CODE.unknownTopic ? [resourceName] : []))
    // Where another broker knows it, the one that was asked will in a moment.
    const known = unknown.length === 0 ? [] : await askTopics(cluster, unknown)
    const late = known.find(({ errorCode }) => errorCode !== CODE.unknownTopic)
    if (late !== undefined) throw refusal(CODE.unknownTopic, doing(String(late.name)))
    return results
  }
  const results = await patiently(cluster, clock, ask, mayPass)
  return new Map(
    results.map(({ errorCode, resourceName, configs }) => {
      if (errorCode !== CODE.none) throw refusal(errorCode, doing(resourceName))
      return [resourceName, Object.fromEntries(configs.flatMap(({ name, value }) => (value === null ? [] : [[name, value]])))]
    }),
  )
}

/** Those named; null: as the broker has it. Others stay as they are. */
export async function alterTopicConfigs(
  controller: Controller,
  topic: string,
  configs: Readonly<Record<string, string | null>>,
): Promise<void> {
  const changes = Object.entries(configs).map(([name, value]) =>
    value === null ? { name, configOperation: REMOVE } : { name, configOperation: SET, value },
  )
  await controller.call({
    use: (connection) =>
      connection.call([incrementalAlterConfigsV1.api], [{ resourceType: TOPIC, resourceName: topic, configs: changes }], false),
    codeOf: ({ responses }) => responses[0]?.errorCode ?? CODE.none,
    reasonOf: ({ responses }) => responses[0]?.errorMessage,
    doing: `change settings of topic '${topic}'`,
  })
}
