import { serdes, serializeColumn, silentLogger, type RecordWriter } from '@millrace/core'
import { memory } from '@millrace/transport-memory'
import { expect, test } from 'vitest'
import { settledEndOffsets } from '../src/index.ts'

const context = { logger: silentLogger }
const partition = { topic: 'counts', partition: 0 }

function write(writer: RecordWriter, value: string) {
  const column = serializeColumn(serdes.string, [value])
  return writer.writeBatch({ topic: 'counts', length: 1, keys: column, values: column, timestamps: [1] })
}

async function openTopic() {
  const transport = memory()
  const admin = await transport.openAdmin(context)
  await admin.createTopics([{ topic: 'counts', partitions: 1 }])
  const open = (transactionalId: string) => transport.openWriter({ clientId: 'writer', transactionalId }, context)
  return { admin, open }
}

test('an end is told when the transactions are over that were open in the partition, not those begun since', async () => {
  const { admin, open } = await openTopic()
  const [first, second] = [await open('first'), await open('second')]
  await first.begin()
  await write(first, 'hidden')
  let told = false
  const settled = settledEndOffsets(admin, [partition]).finally(() => (told = true))
  expect((await admin.endOffsets([partition], 'read-committed'))[0]?.offset).toBe(0)
  expect(told).toBe(false)
  await first.commit()
  const [end] = await admin.endOffsets([partition], 'read-committed')
  await second.begin()
  await write(second, 'later')
  expect(await settled).toEqual([end])
})

test('a transaction that stays open is named', async () => {
  const { admin, open } = await openTopic()
  const writer = await open('stays')
  await writer.begin()
  await write(writer, 'hidden')
  await expect(settledEndOffsets(admin, [partition], { limitMs: 10 })).rejects.toThrow(
    "After 0.01 s a transaction is still open in 'counts' 0.",
  )
})
