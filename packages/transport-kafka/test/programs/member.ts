import { silentLogger, type TopicPartition } from '@millrace/core'
import { kafka } from '../../src/index.ts'

/** A member of a group that tells its hooks on standard output, until its input ends. */
export async function main([brokers = '', groupId = '', topic = '', groupProtocol = 'classic']: readonly string[]): Promise<void> {
  const classic = { 'session.timeout.ms': 2_000, 'heartbeat.interval.ms': 300 }
  const transport = groupProtocol === 'classic' ? kafka({ brokers, consumer: classic }) : kafka({ brokers, groupProtocol: 'consumer' })
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
