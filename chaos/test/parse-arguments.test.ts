import { expect, test } from 'vitest'
import { parseArguments } from '../src/command-line/parse-arguments.ts'

test('has a default for everything', () => {
  expect(parseArguments([])).toMatchObject({
    guarantee: 'exactly-once',
    seconds: 60,
    workers: 3,
    faults: ['kill', 'close', 'pause', 'state', 'broker'],
    brokers: undefined,
    nodes: 1,
    groupProtocol: 'classic',
  })
  expect(parseArguments([])?.seed).toBeGreaterThanOrEqual(0)
})

test('a broker that is given is left alone', () => {
  expect(parseArguments(['--brokers', 'localhost:9092'])?.faults).toEqual(['kill', 'close', 'pause', 'state'])
  expect(() => parseArguments(['--brokers', 'localhost:9092', '--faults', 'kill,broker'])).toThrow('leave broker out of --faults')
})

test.each([
  [['--seconds', '0'], /whole number from 1 to 86400/],
  [['--guarantee', 'at-most-once'], /Allowed choices are exactly-once, at-least-once/],
  [['--faults', 'kill,fire'], /There is no 'fire'; there are kill, close, pause, state, broker/],
  [['--seed', '-1'], /whole number/],
  [['--client', 'other'], /Allowed choices are confluent, packed/],
  [['--nonsense'], /unknown option/],
])('refuses %j', (args, message) => {
  expect(() => parseArguments(args)).toThrow(message)
})

test('takes what is given', () => {
  const args = [
    '--guarantee',
    'at-least-once',
    '--seed',
    '7',
    '--faults',
    'kill, pause',
    '--workers',
    '2',
    '--json',
    'a.json',
    '--group-protocol',
    'consumer',
    '--client',
    'packed',
    '--nodes',
    '3',
  ]
  expect(parseArguments(args)).toMatchObject({
    guarantee: 'at-least-once',
    seed: 7,
    faults: ['kill', 'pause'],
    workers: 2,
    json: 'a.json',
    groupProtocol: 'consumer',
    client: 'packed',
    nodes: 3,
  })
})
