import { describe, expect, test } from 'vitest'
import { ProcessingError, serdes, TopologyBuilder } from 'millrace'
import { parallelBatch } from 'millrace/parallel'
import { TopologyTestDriver } from 'millrace/testing'
import type { spellOut } from './programs/spell-out.mjs'

const word = { key: serdes.string, value: serdes.string }
const letter = { key: serdes.string, value: serdes.json<{ letter: string; thread: number }>() }
const module = new URL('./programs/spell-out.mjs', import.meta.url)

function topology(chunkSize?: number) {
  const builder = new TopologyBuilder('spell')
  builder
    .source('words', { topics: ['words'], ...word })
    .process('spell', parallelBatch<typeof spellOut>({ module, export: 'spellOut', threads: 2, chunkSize }))
    .filter('visible', ({ value }) => value.letter !== ' ')
    .sink('letters', { topic: 'letters', ...letter })
  return builder.build()
}

describe('a batch processor on worker threads', () => {
  test('gives the same for every way of cutting batches and chunks, in the order of each partition', async () => {
    const words = Array.from({ length: 120 }, (_, i) => ({ key: `k${i % 7}`, value: ['to', 'be or', '', 'not'][i % 4] as string }))
    const expected = new Map<string, string>()
    for (const { key, value } of words) expected.set(key, (expected.get(key) ?? '') + value.replaceAll(' ', ''))
    for (const [batchSize, chunkSize] of [[1], [10, 1], [1_000, 3], [1_000]] as const) {
      await using driver = await TopologyTestDriver.start(topology(chunkSize), { batchSize, partitions: 3 })
      await driver.input('words', word).sendAll(words)
      const spelt = new Map<string, string>()
      const threads = new Set<number>()
      for (const { key, value } of await driver.output('letters', letter).readAll()) {
        spelt.set(key, (spelt.get(key) ?? '') + value.letter)
        threads.add(value.thread)
      }
      expect(spelt).toEqual(expected)
      // Three tasks, and one pool.
      expect(threads.size).toBeLessThanOrEqual(2)
    }
  })

  test('names the record that failed, with the error of the function', async () => {
    const driver = await TopologyTestDriver.start(topology(2))
    try {
      const sending = driver.input('words', word).sendAll(['a', 'b', 'c', '!', 'd', 'e'].map((value) => ({ key: 'k', value })))
      const error = await sending.then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(ProcessingError)
      expect(error).toMatchObject({
        message: "Node 'spell' failed at words-0, offset 3: '!' has no letters",
        offset: 3,
        cause: { name: 'SyntaxError', message: "'!' has no letters" },
      })
    } finally {
      await driver.close().catch(() => undefined)
    }
  })
})
