import { describe, expect, test } from 'vitest'
import { choiceOf, listing } from '../../src/kafka/command-line/choice.ts'
import { parseArguments, type Settings } from '../../src/kafka/command-line/parse-arguments.ts'
import { shapeFor, workloads } from '../../src/kafka/workloads.ts'

describe('options of bench:kafka', () => {
  test('have defaults: a million records, five rounds', () => {
    expect(parseArguments([])).toMatchObject({
      records: 1_000_000,
      keys: 100_000,
      valueBytes: 100,
      partitions: 4,
      runs: 5,
      only: [],
      short: false,
    })
  })

  test('in short are few records, unless they are given', () => {
    expect(parseArguments(['--short'])).toMatchObject({ records: 10_000, keys: 1_000, runs: 1 })
    expect(parseArguments(['--short', '--runs', '3'])).toMatchObject({ records: 10_000, runs: 3 })
  })

  test('may name several workloads and programs, with commas or one by one', () => {
    expect(parseArguments(['--only', 'a,b', '--only', 'c'])).toMatchObject({ only: ['a', 'b', 'c'] })
    expect(parseArguments(['--program', 'millrace,by-hand'])).toMatchObject({ program: ['millrace', 'by-hand'] })
  })

  test.each([
    [['--records', '0'], /whole number from 1 up/],
    [['--runs', 'many'], /whole number from 1 up/],
    [['--value-bytes', '10'], /at least 11/],
    [['--fast'], /unknown option/],
    [['--page', 'page.md'], /--page needs --json/],
    [['--resume'], /--resume needs --json/],
  ])('refuse %s', (args, message) => {
    expect(() => parseArguments(args)).toThrow(message)
  })
})

describe('a choice', () => {
  const choice = (...args: string[]) => choiceOf(parseArguments(args) as Settings)

  test('is everything, unless told otherwise', () => {
    const { workloads: all, latencies, heap } = choice()
    expect([all.length, latencies, heap]).toEqual([13, ['latency-a', 'latency-c'], true])
  })

  test('leaves out latency and memory in short', () => {
    expect(choice('--short')).toMatchObject({ latencies: [], heap: false })
    expect(choice('--short', '--only', 'heap')).toMatchObject({ workloads: [], heap: true })
  })

  test('may be of some programs, of workloads that have them', () => {
    const { workloads: all } = choice('--program', 'bare-read,by-hand', '--only', 'a,e')
    expect(all.map(({ programs }) => programs)).toEqual([['by-hand'], ['by-hand', 'bare-read']])
    expect(choice('--program', 'bare-read').workloads.map(({ name }) => name)).toEqual(['e', 'e-values'])
  })

  test('of what there is not is refused', () => {
    expect(() => choice('--only', 'a,z')).toThrow("There is no 'z': see --list.")
    expect(() => choice('--program', 'flink')).toThrow("There is no 'flink'")
  })

  test('is listed with every name', () => {
    const listed = listing(parseArguments([]) as Settings)
    for (const name of ['a', 'f-distant', 'a-keys', 'latency-c', 'heap']) expect(listed).toMatch(new RegExp(`^${name} `, 'm'))
  })
})

describe('workloads', () => {
  const sizes = { records: 1_000_000, keys: 100_000, valueBytes: 100, partitions: 4 }

  test('have names of their own, and every program somewhere', () => {
    const all = workloads({ ...sizes, short: false })
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
    expect(new Set(all.flatMap(({ programs }) => programs)).size).toBe(11)
  })

  test('are fewer records where a broker is far away', () => {
    expect(workloads({ ...sizes, short: false }).find(({ distant }) => distant)?.shape.records).toBe(100_000)
  })

  test('grow ten times, one thing each', () => {
    const grown = workloads({ ...sizes, short: false }).filter(({ name }) => name.startsWith('a-'))
    expect(grown.map(({ shape }) => shape)).toEqual([
      { ...sizes, keys: 1_000_000 },
      { ...sizes, partitions: 40 },
      { ...sizes, valueBytes: 1_000 },
    ])
  })

  test('in short are with Kafka Streams and one more alone, but for the first', () => {
    const [a, ...others] = workloads({ ...sizes, short: true })
    expect(a?.programs).toHaveLength(8)
    for (const { programs } of others) {
      expect(programs).toHaveLength(3)
      expect(programs).toEqual(expect.arrayContaining(['millrace', 'kafka-streams']))
    }
  })

  test('give fewer records to who takes one at a time', () => {
    const [a] = workloads({ ...sizes, short: false })
    expect(shapeFor('millrace', a!).records).toBe(1_000_000)
    expect(shapeFor('kafkajs-message', a!).records).toBe(20_000)
    expect(shapeFor('kafkajs-message', { ...a!, distant: true }).records).toBe(1_000)
  })
})
