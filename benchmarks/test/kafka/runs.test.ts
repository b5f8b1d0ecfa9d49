import { describe, expect, test } from 'vitest'
import { WrongResult } from '../../src/kafka/check/wrong-result.ts'
import { isShortOfMemory } from '../../src/kafka/run/measure-heaps.ts'
import { dueTimes } from '../../src/kafka/run/measure-latency.ts'
import { ProgramFailure } from '../../src/kafka/run/run-program.ts'

describe('a heap is too small', () => {
  const told = (cause: Error) => isShortOfMemory(new Error('Kafka Streams, workload a: it failed', { cause }))

  test.each([
    'java.lang.OutOfMemoryError: Java heap space',
    'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
  ])('for a program that ends with %s', (said) => {
    expect(told(new ProgramFailure(said, { timedOut: false }))).toBe(true)
  })

  test('for a program that does not come to its end', () => {
    expect(told(new ProgramFailure('ended with SIGKILL', { timedOut: true }))).toBe(true)
  })

  test('not for one whose result is wrong, nor one that fails otherwise', () => {
    expect(told(new WrongResult('The store', 'it lacks a key'))).toBe(false)
    expect(told(new ProgramFailure('ended with 1: no broker', { timedOut: false }))).toBe(false)
    expect(isShortOfMemory(new Error('no cause'))).toBe(false)
  })
})

test('a record of a latency has the time at which it was due, whenever it was written', () => {
  const time = dueTimes({ beganAt: 1_000, first: 100, rate: 400 })
  expect([100, 101, 102, 104, 500].map(time)).toEqual([1_000, 1_002, 1_005, 1_010, 2_000])
})
