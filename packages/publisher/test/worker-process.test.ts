import type { ChildProcess, fork } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { ManualClock } from '@millrace/core'
import { expect, test, vi } from 'vitest'
import { settle } from './support/publishing.ts'
import type { FromWorker, StartMessage } from '../src/worker/messages.ts'
import { WorkerProcess } from '../src/worker/worker-process.ts'
import { WorkerSilence } from '../src/worker/worker-silence.ts'

const start = {} as StartMessage

/** A process whose ends come in an order that no real one can be made to have. */
function processOf(child: Partial<ChildProcess>) {
  const told: string[] = []
  const process = Object.assign(new EventEmitter(), { pid: 1, connected: true, send: () => true, kill: () => true }, child)
  const worker = new WorkerProcess({
    start,
    execArgv: undefined,
    fork: (() => process) as unknown as typeof fork,
    onMessage: (message: FromWorker) => told.push(Object.keys(message).join()),
    onGone: (why) => told.push(why),
  })
  return { process, worker, told }
}

test('a worker is gone when all that it has told is read, not when it has ended', () => {
  const { process, told } = processOf({})
  process.emit('exit', null, 'SIGKILL')
  process.emit('message', { written: {} })
  process.emit('close', null, 'SIGKILL')
  expect(told).toEqual(['written', 'it was ended by SIGKILL'])
})

test('a worker that is let go of tells nobody of its end, and leaves no timer behind', async () => {
  const { process, worker, told } = processOf({ disconnect: () => undefined })
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const ended = worker.end(60_000)
  expect(timers).toHaveBeenCalledTimes(1)
  process.emit('exit', 0, null)
  await ended
  expect(timers).toHaveBeenCalledTimes(1)
  timers.mockRestore()
  expect(told).toEqual([])
})

test('a worker that nothing can be sent to is ended, whether that is thrown or told', () => {
  const killed: unknown[] = []
  const kill = (signal?: unknown) => killed.push(signal) > 0
  const thrown = processOf({
    kill,
    send() {
      throw new RangeError('too large')
    },
  })
  const refused = processOf({
    kill,
    send(_message: unknown, callback?: unknown) {
      ;(callback as (error: Error) => void)(new Error('no memory'))
      return false
    },
  })
  for (const { process } of [thrown, refused]) {
    process.emit('exit', null, 'SIGKILL')
    process.emit('close')
  }
  expect(thrown.told).toEqual(['nothing can be sent to it: too large'])
  expect(refused.told).toEqual(['nothing can be sent to it: no memory'])
  expect(killed).toEqual(['SIGKILL', 'SIGKILL'])
})

test('a worker is silent when it was to be heard of and was not, for the whole time, while the service itself could listen', async () => {
  const clock = new ManualClock()
  let isAwaited = true
  let silent = 0
  const silence = new WorkerSilence({ clock, limitMs: 1_000, isAwaited: () => isAwaited, onSilent: () => silent++ })
  await clock.advance(900, settle)
  silence.heard()
  await clock.advance(1_000, settle)
  isAwaited = false
  await clock.advance(5_000, settle)
  isAwaited = true
  await clock.advance(1_000, settle)
  expect(silent).toBe(0)
  await clock.advance(100, settle)
  expect(silent).toBe(1)
})
