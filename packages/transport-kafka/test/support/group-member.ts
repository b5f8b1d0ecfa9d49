import { partitionKey, silentLogger, type TopicPartition, type Transport } from '@millrace/core'

/** Joins a group for one topic, and polls until it is closed. */
export async function joinGroup(transport: Transport, groupId: string, topic: string) {
  const source = await transport.openSource({ groupId, clientId: 'member', isolation: 'read-uncommitted' }, { logger: silentLogger })
  const held = new Set<string>()
  let changes = 0
  const drop = async (all: readonly TopicPartition[]) => {
    changes++
    for (const at of all) held.delete(partitionKey(at.topic, at.partition))
  }
  await source.subscribe([topic], {
    onAssigned: async (all) => {
      if (all.length > 0) changes++
      for (const at of all) held.add(partitionKey(at.topic, at.partition))
      return all.map((at) => ({ ...at, offset: 0 }))
    },
    onRevoked: drop,
    onLost: drop,
  })
  let going = true
  const polling = (async () => {
    while (going) await source.poll(50)
  })()
  return {
    /** Its partitions now. */
    held,
    /** How often it was given or lost something. */
    changes: () => changes,
    async close() {
      going = false
      await polling
      await source.close()
    },
  }
}
