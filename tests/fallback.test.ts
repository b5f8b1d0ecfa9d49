import { describe, expect, test } from 'vitest'
import { TopologyTestDriver } from 'millrace/testing'
import { inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

async function outputs(single: boolean, batchSize: number) {
  await using driver = await TopologyTestDriver.start(wordCountTopology({ single }), { batchSize, partitions: 2 })
  const lines = driver.input('lines', inputSerdes)
  await lines.sendAll(someLines(300).map((value, i) => ({ key: null, value, timestamp: i })))
  const records = await driver.output('word-counts', outputSerdes).readAll()
  return records.map(({ key, value }) => `${key}=${value}`).sort()
}

describe('fallback', () => {
  test.each([1, 7, 100, 1_000])('single-record processors give the output of their batch twins with batches of %d', async (batchSize) => {
    expect(await outputs(true, batchSize)).toEqual(await outputs(false, batchSize))
  })
})
