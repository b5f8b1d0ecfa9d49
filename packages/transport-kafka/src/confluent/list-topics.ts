import { promised } from './promised.ts'
import type { Callback, RawClient, RawMetadata } from './raw-api.ts'

/** Names of all topics. Asking for all never creates any, asking for one might. */
export async function listTopics(client: RawClient, timeoutMs: number): Promise<readonly string[]> {
  const { topics } = await promised('list topics', timeoutMs, (callback: Callback<RawMetadata>) =>
    client.getMetadata({ allTopics: true, timeout: timeoutMs }, callback),
  )
  return topics.map(({ name }) => name)
}
