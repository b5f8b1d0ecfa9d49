import { expect, test } from 'vitest'
import { Cluster, until } from '../support/cluster.ts'
import { memberIds } from '../support/evict.ts'
import { Holder } from '../support/holder.ts'

async function join(cluster: Cluster, groupId: string, topic: string) {
  const holder = new Holder()
  const source = await cluster.source({ groupId })
  holder.source = source
  await source.subscribe([topic], holder)
  return { holder, source }
}

test.each([
  ['confluent', 'classic'],
  ['confluent', 'consumer'],
  ['packed', 'classic'],
  ['packed', 'consumer'],
] as const)(
  'by the client %s with the %s protocol, a member that gets nothing answers that as well, and takes its part in what follows',
  async (client, groupProtocol) => {
    await using cluster = new Cluster({ client, groupProtocol })
    const topic = await cluster.topic()
    const groupId = cluster.name()
    const first = await join(cluster, groupId, topic)
    await until('the first holds the partition', () => first.holder.held.length === 1)
    const idle = await join(cluster, groupId, topic)
    await until('both are members', async () => (await memberIds(groupId)).length === 2)
    await first.source.close()
    await until('the other holds it', () => idle.holder.held.length === 1)
    expect(idle.holder.calls.flatMap(({ partitions }) => partitions)).toHaveLength(1)
  },
)
