import { silentLogger, viewColumn } from '@millrace/core'
import { kafka, type KafkaOptions } from '../../src/index.ts'

const context = { logger: silentLogger }

/** Uses everything once and closes it. Then the process has to end, of itself. */
export async function main([brokers = '', topic = '', name = '', given = '{}']: readonly string[]): Promise<void> {
  const options = JSON.parse(given) as Partial<KafkaOptions>
  const unreachable = kafka({ ...options, brokers: '127.0.0.1:1', connectTimeoutMs: 200 })
  const failures = await Promise.allSettled([
    unreachable.openAdmin(context),
    unreachable.openWriter({ clientId: name }, context),
    unreachable.openSource({ clientId: name, isolation: 'read-committed' }, context),
  ])
  if (failures.some(({ status }) => status === 'fulfilled')) throw new Error('There is something at port 1.')
  const transport = kafka({ ...options, brokers })
  const admin = await transport.openAdmin(context)
  const writer = await transport.openWriter({ clientId: name, transactionalId: name }, context)
  const source = await transport.openSource({ clientId: name, groupId: name, isolation: 'read-committed' }, context)
  await source.subscribe([topic, /^never$/], {
    onAssigned: async (partitions) => partitions.map((at) => ({ ...at, offset: 0 })),
    onRevoked: async () => {},
    onLost: async () => {},
  })
  await source.poll(1_000)
  await writer.begin()
  await writer.writeBatch({ topic, length: 1, keys: viewColumn([null]), values: viewColumn([null]), timestamps: [1] })
  await writer.commit()
  await Promise.all([source.close(), writer.close(), admin.close()])
  process.stdout.write('closed\n')
}
