import { silentLogger, type TopicPartition } from '@millrace/core'
import { kafka, type KafkaOptions } from '../../src/index.ts'

/** A member of a group that tells its hooks on standard output, until its input ends. */
export async function main([brokers = '', groupId = '', topic = '', given = '{}']: readonly string[]): Promise<void> {
  const transport = kafka({ brokers, ...(JSON.parse(given) as Partial<KafkaOptions>) })
  const source = await transport.openSource({ clientId: 'member', groupId, isolation: 'read-uncommitted' }, { logger: silentLogger })
  const tell = (hook: string, partitions: readonly TopicPartition[]) => {
    process.stdout.write(
      `${hook} ${partitions
        .map(({ partition }) => partition)
        .toSorted((a, b) => a - b)
        .join(',')}\n`,
    )
  }
  await source.subscribe([topic], {
    onAssigned: async (partitions) => {
      tell('assigned', partitions)
      return partitions.map((at) => ({ ...at, offset: 0 }))
    },
    onRevoked: async (partitions) => tell('revoked', partitions),
    onLost: async (partitions) => tell('lost', partitions),
  })
  for await (const _ of process.stdin);
  await source.close()
  process.stdout.write('closed\n')
}
