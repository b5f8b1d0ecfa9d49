import { MessageChannel } from 'node:worker_threads'
import { MillraceError } from '@millrace/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Answering, Port } from '../../src/threads/port.ts'

type Sums = {
  readonly sum: { readonly argument: readonly number[]; readonly answer: number }
  readonly fail: { readonly argument: string; readonly answer: never }
  readonly wait: { readonly argument: undefined; readonly answer: void }
}
type None = Record<never, never>

function twoEnds() {
  const { port1, port2 } = new MessageChannel()
  const heard: string[] = []
  const calls: Answering<Sums> = {
    sum: async (numbers) => numbers.reduce((all, one) => all + one, 0),
    fail: (topic) =>
      Promise.reject(
        new MillraceError('REFUSED', 'it was refused', {
          stage: 'commit',
          retryable: true,
          topic,
          partition: 3,
          cause: Object.assign(new RangeError('too far'), { code: 'FAR' }),
        }),
      ),
    wait: () => new Promise(() => undefined),
  }
  const there = new Port<None, never, Sums, string>(port2, { calls, onNews: (news) => heard.push(news) })
  const here = new Port<Sums, string, None, never>(port1, { calls: {}, onNews: () => undefined })
  onTestFinished(() => {
    here.close(new Error('the test is over'))
    there.close(new Error('the test is over'))
  })
  return { here, there, heard }
}

describe('a port between threads', () => {
  test('answers each question, in whatever order, and what is told before is heard before', async () => {
    const { here, heard } = twoEnds()
    here.tell('one')
    here.tell('two')
    expect(await Promise.all([here.ask('sum', [1, 2]), here.ask('sum', []), here.ask('sum', [5])])).toEqual([3, 0, 5])
    expect(heard).toEqual(['one', 'two'])
  })

  test('rejects with what the other side rejected with: its class, what it concerns and its causes', async () => {
    const { here } = twoEnds()
    const error: unknown = await here.ask('fail', 'lines').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(MillraceError)
    expect(error).toMatchObject({
      code: 'REFUSED',
      message: 'it was refused',
      stage: 'commit',
      retryable: true,
      topic: 'lines',
      partition: 3,
      cause: { name: 'RangeError', message: 'too far', code: 'FAR' },
    })
  })

  test('rejects what can not be copied, and nothing else', async () => {
    const { here } = twoEnds()
    const asked = here.ask('sum', [() => 1] as never)
    await expect(asked).rejects.toThrow('could not be cloned')
    expect(await here.ask('sum', [1])).toBe(1)
  })

  test('rejects what is under way and what is asked later with why it was closed', async () => {
    const { here } = twoEnds()
    const waiting = here.ask('wait', undefined)
    here.close(new Error('the thread is gone'))
    await expect(waiting).rejects.toThrow('the thread is gone')
    await expect(here.ask('sum', [1])).rejects.toThrow('the thread is gone')
    expect(() => here.tell('nobody hears that')).not.toThrow()
  })
})
