import type { Callback, RawClient, RawMetadata } from './raw-api.ts'
import type { Asking } from './under-way.ts'

/** Names of all topics. Asking for all never creates any, asking for one might. */
export async function listTopics(client: RawClient, timeoutMs: number, asking: Asking): Promise<readonly string[]> {
  const { topics } = await asking.ask('list topics', timeoutMs, (callback: Callback<RawMetadata>) =>
    client.getMetadata({ allTopics: true, timeout: timeoutMs }, callback),
  )
  return topics.map(({ name }) => name)
}
