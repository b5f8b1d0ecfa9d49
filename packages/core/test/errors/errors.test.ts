import { BatchRecordError, errorData, errorFrom, MillraceError, SerdeError, TaskClosedError, TopologyError } from '@millrace/core'
import { describe, expect, it } from 'vitest'

describe('errors', () => {
  it('carry what they concern, and are not retryable unless they say so', () => {
    const cause = new Error('disk full')
    const error = new MillraceError('STORE_FAILED', 'The store could not be written.', {
      stage: 'store',
      cause,
      task: '0_1',
      retryable: true,
    })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'MillraceError', code: 'STORE_FAILED', stage: 'store', retryable: true, cause, task: '0_1' })
    expect(new MillraceError('X', 'x', { stage: 'sink' })).toMatchObject({ retryable: false, topic: undefined })
    expect('cause' in new MillraceError('X', 'x', { stage: 'sink' })).toBe(false)
  })

  it('of serdes name the serde, the reason and the value', () => {
    expect(new SerdeError('int32', 'serialize', 'it is no number.', { index: 3 })).toMatchObject({
      name: 'SerdeError',
      code: 'SERIALIZATION_FAILED',
      stage: 'sink',
      message: 'int32: it is no number.',
      serde: 'int32',
      reason: 'it is no number.',
      index: 3,
    })
    expect(new SerdeError('int32', 'deserialize', 'x')).toMatchObject({ code: 'DESERIALIZATION_FAILED', stage: 'source', index: undefined })
  })

  it('of records name the index and keep the cause, whatever was thrown', () => {
    const cause = new RangeError('too large')
    expect(new BatchRecordError(4, cause)).toMatchObject({ index: 4, cause, message: 'Record 4 of the batch failed: too large' })
    expect(new BatchRecordError(0, 'a text')).toMatchObject({ cause: 'a text', message: 'Record 0 of the batch failed: a text' })
  })

  it('of closed tasks say what to do', () => {
    expect(new TaskClosedError('0_3')).toMatchObject({ code: 'TASK_CLOSED', task: '0_3' })
    expect(new TaskClosedError('0_3').message).toContain('context.signal')
  })

  it('of topologies list their problems, one a line', () => {
    const problems = ['First.', 'Second.']
    const error = new TopologyError('words', problems)
    expect(error.message).toBe("Topology 'words' can't be built: 2 problems\n  - First.\n  - Second.")
    problems.push('Third.')
    expect(error.problems).toEqual(['First.', 'Second.'])
    expect(new TopologyError('words', ['One.']).message).toContain('1 problem\n')
  })

  it('go to another thread as data, and come back with name, code, causes and what they concern', () => {
    const cause = Object.assign(new RangeError('too far'), { code: 'FAR' })
    const error = new MillraceError('REFUSED', 'It was refused.', { stage: 'commit', retryable: true, topic: 'lines', cause })
    const back = errorFrom(structuredClone(errorData(error)))
    expect(back).toBeInstanceOf(MillraceError)
    expect(back).toMatchObject({
      code: 'REFUSED',
      message: 'It was refused.',
      stage: 'commit',
      retryable: true,
      topic: 'lines',
      stack: error.stack,
    })
    expect(back.cause).toMatchObject({ name: 'RangeError', message: 'too far', code: 'FAR' })
    expect(errorFrom(errorData(new TaskClosedError('0_1')))).toMatchObject({ name: 'TaskClosedError', code: 'TASK_CLOSED', task: '0_1' })
    expect(errorFrom(errorData('just text'))).toMatchObject({ name: 'Error', message: 'just text' })
    expect(errorFrom(errorData(7)).message).toBe('something that is no error was thrown: 7')
  })

  it('that cause each other in a circle end somewhere', () => {
    const one = new Error('one')
    const two = new Error('two', { cause: one })
    one.cause = two
    expect(errorFrom(errorData(one)).cause).toMatchObject({ message: 'two' })
  })
})
