import { describe, expect, test } from 'vitest'
import { TopologyTestDriver } from 'millrace/testing'
import { counts, countSerdes, lineSerdes, wordCountTopology } from '../../src/topology/word-count-topology.ts'

const topics = { inputTopic: 'lines', outputTopic: 'word-counts' }

describe.each([
  ['in batches', false],
  ['one record at a time', true],
])('the topology, counting %s', (_, single) => {
  test.each([1, 3, 100])('writes one record for each word, with its count so far, with batches of %d', async (batchSize) => {
    await using driver = await TopologyTestDriver.start(wordCountTopology({ ...topics, single }), { batchSize })
    await driver.input('lines', lineSerdes).sendAll(['To be, or', 'not to be', '', 'be'].map((value) => ({ key: null, value })))
    expect(await driver.output('word-counts', countSerdes).readKeyValues()).toEqual([
      ['to', 1],
      ['be', 1],
      ['or', 1],
      ['not', 1],
      ['to', 2],
      ['be', 2],
      ['be', 3],
    ])
    expect(await driver.store(counts).get('be')).toBe(3)
  })

  test('takes lines with any key, and null for a line without words', async () => {
    await using driver = await TopologyTestDriver.start(wordCountTopology({ ...topics, single }))
    const lines = driver.input('lines', lineSerdes)
    await lines.send({ key: new Uint8Array([0xff]), value: 'whale' })
    await lines.send({ key: null, value: null })
    expect(await driver.output('word-counts', countSerdes).readKeyValues()).toEqual([['whale', 1]])
  })
})

test('the output is the word in UTF-8 and eight bytes, the highest first', () => {
  expect(Buffer.from(countSerdes.key.serialize('élan') ?? []).toString('hex')).toBe('c3a96c616e')
  expect(Buffer.from(countSerdes.value.serialize(258) ?? []).toString('hex')).toBe('0000000000000102')
})
