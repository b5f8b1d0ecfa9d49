import { defineApp, serdes, silentLogger, TopologyBuilder, validateDefinition } from '@millrace/core'
import { memory } from '@millrace/transport-memory'
import { expect, test } from 'vitest'
import { onLog } from '../../src/dev/dev-definition.ts'
import { DevLog } from '../../src/dev/dev-log.ts'
import { readTopics } from '../../src/records/read-topics.ts'
import { valuesOf } from '../support/dead-letters.ts'

const builder = new TopologyBuilder('two')
for (const topic of ['lines', 'others'])
  builder
    .source(topic, { topics: [topic], key: serdes.nullable(serdes.string), value: serdes.string })
    .sink(`${topic}-out`, { topic: 'out', key: serdes.nullable(serdes.string), value: serdes.string })
const definition = defineApp({ topology: builder.build(), applicationId: 'two', transport: memory(), threads: 4 })
const context = { logger: silentLogger }

async function valuesIn(log: DevLog): Promise<string[]> {
  await using admin = await log.transport.openAdmin(context)
  const values: string[] = []
  const partitions = ['lines', 'others'].map((topic) => ({ topic, partition: 0 }))
  for await (const records of readTopics({ transport: log.transport, admin, context, partitions })) values.push(...valuesOf(records))
  return values
}

test('a line that is no record is told by its number, and all others are written', async () => {
  const log = await DevLog.open(definition, 1)
  const refused = await log.write(['a', '', '{"topic":"others","value":"b"}', 'c'], 'lines')

  expect(refused).toEqual([{ line: 3, error: expect.objectContaining({ message: "'others' is no input: there is 'lines'." }) as unknown }])
  expect(await valuesIn(log)).toEqual(['a', 'c'])
})

test('lines for a topic that is no input go nowhere', async () => {
  const log = await DevLog.open(definition, 1)

  await expect(log.write(['{"topic":"lines","value":"a"}'], 'linse')).rejects.toThrow("'linse' is no input: there is 'lines', 'others'.")
  expect(await valuesIn(log)).toEqual([])
})

test('what says that it has threads runs on the log, which belongs to one', () => {
  const own = onLog(definition, { transport: memory(), stateDir: '/tmp/state', logger: silentLogger })

  expect(validateDefinition(own, {})).toMatchObject({ _tag: 'Right', right: { threads: { count: 1 }, stateDir: '/tmp/state' } })
})
