import { describe, expect, test } from 'vitest'
import { parseArguments } from '../../src/command-line/parse-arguments.ts'
import { UsageError } from '../../src/command-line/usage-error.ts'

function settings(...args: string[]) {
  const request = parseArguments(args)
  if (request.kind !== 'count') throw new Error(request.text)
  return request.settings
}

function refusal(...args: string[]): string {
  try {
    parseArguments(args)
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

describe('arguments', () => {
  test('may be left out', () => {
    expect(settings()).toEqual({
      applicationId: 'word-count',
      inputTopic: 'lines',
      outputTopic: 'word-counts',
      partitions: 4,
      partitionsGiven: false,
      batchSize: 1_000,
      batchTimeoutMs: 100,
      processingGuarantee: 'at-least-once',
      untilCaughtUp: false,
      single: false,
      json: false,
      verbose: false,
    })
  })

  test('are all taken', () => {
    const args = `--file a.txt --brokers one:9092,[::1]:9093 --application-id my.app --input-topic in --output-topic out --partitions 7
      --state-dir ./here --batch-size 1 --batch-timeout-ms 0 --processing-guarantee at-least-once --until-caught-up --single --json --verbose`
    expect(settings(...args.split(/\s+/))).toEqual({
      file: 'a.txt',
      brokers: 'one:9092,[::1]:9093',
      applicationId: 'my.app',
      inputTopic: 'in',
      outputTopic: 'out',
      partitions: 7,
      partitionsGiven: true,
      stateDir: './here',
      batchSize: 1,
      batchTimeoutMs: 0,
      processingGuarantee: 'at-least-once',
      untilCaughtUp: true,
      single: true,
      json: true,
      verbose: true,
    })
  })

  test('may be written with an equals sign', () => {
    expect(settings('--file=a=b', '--batch-size=12')).toMatchObject({ file: 'a=b', batchSize: 12 })
  })

  test.each([
    [['--nonsense'], /unknown option '--nonsense'/],
    [['--fil', 'x'], /unknown option '--fil' \(Did you mean --file\?\)/],
    [['a.txt'], /too many arguments/],
    [['--file'], /'--file <path>' argument missing/],
    [['--file', ''], /'--file <path>' argument '' is invalid. It is empty/],
    [['--file', '--json'], /its value is missing/],
    [['--batch-size', '0'], /Give a whole number from 1 to 100000/],
    [['--batch-size', '100001'], /Give a whole number from 1 to 100000/],
    [['--batch-size', '1e3'], /Give a whole number from 1 to 100000/],
    [['--batch-size', '-1'], /Give a whole number from 1 to 100000/],
    [['--batch-timeout-ms', 'soon'], /Give a whole number from 0 to 60000/],
    [['--partitions', '0'], /Give a whole number from 1 to 1000/],
    [['--brokers', 'localhost'], /Give HOST:PORT/],
    [['--brokers', 'localhost:70000'], /Give HOST:PORT/],
    [['--brokers', 'localhost:9092,'], /Give HOST:PORT/],
    [['--brokers', 'kafka://localhost:9092'], /Give HOST:PORT/],
    [['--application-id', 'a b'], /letters, digits/],
    [['--application-id', '..'], /letters, digits/],
    [['--input-topic', 'x'.repeat(250)], /Use 1 to 249 letters/],
    [['--output-topic', 'a/b'], /letters, digits/],
    [['--processing-guarantee', 'maybe'], /Use 'at-least-once' or 'exactly-once'/],
    [['--input-topic', 'same', '--output-topic', 'same'], /both 'same'/],
    [['--input-topic', 'word-count-by-word-repartition'], /keeps for itself/],
    [['--application-id', 'x', '--output-topic', 'x-counts-changelog'], /keeps for itself/],
  ])('%j are refused in one line', (args, expected) => {
    const message = refusal(...args)
    expect(message).toMatch(expected)
    expect(message).not.toContain('\n')
  })

  test('that ask for help get it', () => {
    for (const args of [['--help'], ['-h'], ['--json', '--help']]) {
      const request = parseArguments(args)
      expect(request.kind).toBe('help')
      expect(request.kind === 'help' && request.text).toMatch(/Usage: word-count[^]*--until-caught-up[^]*Examples:/)
    }
  })
})
