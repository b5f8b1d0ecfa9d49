import { expect, test } from 'vitest'
import { millrace } from '../support/command.ts'

test("the topology is printed in Kafka Streams' text", async () => {
  const { code, stdout, stderr } = await millrace(['describe', 'word-count.ts'])

  expect(stdout).toContain('Topologies:\n   Sub-topology: 0\n    Source: lines (topics: [lines-test])\n      --> split\n')
  expect(stdout).toContain('Processor: count (stores: [counts])')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('or as a Mermaid flowchart', async () => {
  const { stdout } = await millrace(['describe', 'word-count.ts', '--format', 'mermaid'])

  expect(stdout).toMatch(/^flowchart TD\n {2}subgraph sub0/)
})

test('or as JSON, with the full names of internal topics', async () => {
  const { stdout } = await millrace(['describe', 'word-count.ts', '--json'])

  expect(JSON.parse(stdout)).toMatchObject({
    name: 'word-count',
    applicationId: 'word-count-test',
    subTopologies: [
      {
        index: 0,
        nodes: [
          { name: 'lines', kind: 'source', topics: ['lines-test'], startAt: 'earliest', children: [{ node: 'split' }] },
          { name: 'split', kind: 'processor', stores: [], parents: ['lines'] },
          { kind: 'sink', topic: 'word-count-test-by-word-repartition' },
        ],
      },
      { index: 1, stores: [{ name: 'counts', shape: 'key-value', changelog: 'word-count-test-counts-changelog' }] },
    ],
  })
})
