import {
  type AppDefinition,
  DEFAULT_FAILURE_OPTIONS,
  failureProblems,
  type FailureOptions,
  type ResolvedFailureOptions,
} from '@millrace/core'
import { validateDefinition } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { wordCount } from '../support/topologies.ts'

function resolved(failure: FailureOptions | undefined): ResolvedFailureOptions {
  const transport = { openSource: () => Promise.reject(new Error('Nobody opens this.')) } as unknown as AppDefinition['transport']
  const result = validateDefinition({ topology: wordCount(), applicationId: 'word-count', transport, failure })
  if (result._tag === 'Left') throw new Error(result.left.join('\n'))
  return result.right.failure
}

describe('failure options', () => {
  it('have these defaults', () => {
    const defaults = {
      acknowledgement: 'all-or-nothing',
      retry: { initialDelayMs: 100, maxDelayMs: 30_000, factor: 2, jitter: 0.5, nonRetryable: [] },
      decode: 'fail',
      process: 'fail',
      produce: 'fail',
      deadLetter: { topic: undefined, headerStyle: 'streams', maxStackBytes: 4_096 },
      handleDeadLetter: undefined,
      circuitBreaker: false,
    }
    expect(DEFAULT_FAILURE_OPTIONS).toEqual(defaults)
    expect(resolved(undefined)).toEqual(defaults)
    expect(resolved({ retry: {}, deadLetter: {}, circuitBreaker: undefined, process: undefined })).toEqual(defaults)
  })

  it('keep what is given, and are frozen', () => {
    const process = () => 'skip' as const
    const failure = resolved({ process, retry: { jitter: 0, factor: 1.5 }, deadLetter: { topic: 'letters' }, circuitBreaker: {} })
    expect(failure).toMatchObject({ process, decode: 'fail', retry: { jitter: 0, factor: 1.5, maxDelayMs: 30_000 } })
    expect(failure.deadLetter).toEqual({ topic: 'letters', headerStyle: 'streams', maxStackBytes: 4_096 })
    expect(failure.circuitBreaker).toEqual({ threshold: 0.5, window: 20, minimum: 5, openMs: 30_000 })
    for (const part of [failure, failure.retry, failure.deadLetter, failure.circuitBreaker]) expect(Object.isFrozen(part)).toBe(true)
  })

  it('ask for no more batches than the window of the circuit breaker has', () => {
    expect(resolved({ circuitBreaker: { window: 3 } }).circuitBreaker).toMatchObject({ window: 3, minimum: 3 })
  })

  it.each<[string, object, string]>([
    [
      'an acknowledgement',
      { acknowledgement: 'some' },
      `acknowledgement is "some"; use 'all-or-nothing', 'best-effort', 'last-successful'.`,
    ],
    ['a policy', { decode: 'ignore' }, `decode is "ignore"; use 'fail', 'skip', 'dead-letter' or a function.`],
    ['a policy that is none', { produce: 5 }, `produce is 5; use 'fail', 'skip', 'dead-letter' or a function.`],
    ['a retry group', { retry: 3 }, 'retry is 3; use an object.'],
    ['a first wait', { retry: { initialDelayMs: -1 } }, 'retry.initialDelayMs is -1; use a whole number from 0 to 2,147,483,647.'],
    ['a longest wait', { retry: { maxDelayMs: 50 } }, 'retry.maxDelayMs is 50; use at least failure.retry.initialDelayMs, which is 100.'],
    ['a factor', { retry: { factor: 0.5 } }, 'retry.factor is 0.5; use a number from 1 to 1,000.'],
    ['a jitter', { retry: { jitter: 1.1 } }, 'retry.jitter is 1.1; use a number from 0 to 1.'],
    ['a jitter that is no number', { retry: { jitter: Number.NaN } }, 'retry.jitter is NaN; use a number from 0 to 1.'],
    ['error classes', { retry: { nonRetryable: TypeError } }, 'retry.nonRetryable is a function; use an array of error classes.'],
    [
      'an error class',
      { retry: { nonRetryable: [TypeError, 'Error'] } },
      'retry.nonRetryable[1] is "Error"; use a class, such as TypeError.',
    ],
    ['a topic', { deadLetter: { topic: 'a b' } }, `deadLetter.topic names the topic "a b"; Kafka allows 1 to 249 letters`],
    ['a header style', { deadLetter: { headerStyle: 'flink' } }, `deadLetter.headerStyle is "flink"; use 'spring', 'connect', 'streams'.`],
    ['a stack', { deadLetter: { maxStackBytes: 1e6 } }, 'deadLetter.maxStackBytes is 1000000; use a whole number from 0 to 65,536.'],
    ['a hook', { handleDeadLetter: 'log' }, 'handleDeadLetter is "log"; use a function of a failed record and its error.'],
    ['a circuit breaker', { circuitBreaker: true }, 'circuitBreaker is true; use an object, or false for none.'],
    [
      'a threshold',
      { circuitBreaker: { threshold: 0 } },
      'circuitBreaker.threshold is 0; use a share of failed batches, above 0 and at most 1.',
    ],
    ['a window', { circuitBreaker: { window: 0 } }, 'circuitBreaker.window is 0; use a whole number from 1 to 10,000.'],
    ['a minimum', { circuitBreaker: { window: 4, minimum: 5 } }, 'circuitBreaker.minimum is 5; use a whole number from 1 to 4.'],
    ['a name', { acknowledgment: 'all-or-nothing' }, 'acknowledgment is no option; use acknowledgement.'],
    ['a name of the waits', { retry: { initialDelay: 5 } }, 'retry.initialDelay is no option; use initialDelayMs.'],
    ['retries among the waits', { retry: { maxRetries: 5 } }, 'retry.maxRetries is no option; use initialDelayMs, maxDelayMs, factor,'],
    ['a name of dead letters', { deadLetter: { headers: 'spring' } }, 'deadLetter.headers is no option; use topic, headerStyle,'],
    ['a name of the breaker', { circuitBreaker: { treshold: 1 } }, 'circuitBreaker.treshold is no option; use threshold.'],
    ['a pause', { circuitBreaker: { openMs: -1 } }, 'circuitBreaker.openMs is -1; use a whole number from 0 to'],
  ])('refuse %s, with the value and what is allowed', (_, options, sentence) => {
    const problems = failureProblems('failure', options)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(`failure.${sentence}`)
  })

  it('tell all problems together', () => {
    expect(
      failureProblems('failure', { decode: 'x', retry: { factor: 0, jitter: 2 }, deadLetter: { topic: '' }, circuitBreaker: 1 } as never),
    ).toHaveLength(5)
    expect(failureProblems('failure', null as never)).toEqual(['failure is null; use an object.'])
    expect(failureProblems('failure', undefined)).toEqual([])
  })

  it('allow no retry wait, and a function for a topic', () => {
    expect(
      failureProblems('failure', { retry: { initialDelayMs: 0, maxDelayMs: 0 }, deadLetter: { topic: () => 'x' }, circuitBreaker: false }),
    ).toEqual([])
  })
})
