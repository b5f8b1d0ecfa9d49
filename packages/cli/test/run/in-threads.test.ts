import type { AppDefinition } from '@millrace/core'
import { expect, test } from 'vitest'
import { inThreads } from '../../src/run/in-threads.ts'

const file = '/project/app.js'
const threadsOf = (threads: AppDefinition['threads'], count?: number) =>
  inThreads(file, { definition: { threads } as AppDefinition, telemetry: undefined }, count).definition.threads

test('threads load the module that is run, unless the definition names another', () => {
  expect(threadsOf(undefined)).toEqual({ count: 1, module: file })
  expect(threadsOf(3)).toEqual({ count: 3, module: file })
  expect(threadsOf({ count: 3, module: 'file:///other.js', onFailure: 'stop' })).toEqual({
    count: 3,
    module: 'file:///other.js',
    onFailure: 'stop',
  })
})

test('the command line says how many, whatever the definition says', () => {
  expect(threadsOf(undefined, 4)).toEqual({ count: 4, module: file })
  expect(threadsOf({ count: 3, maxHeapBytes: 2 ** 30 }, 4)).toEqual({ count: 4, module: file, maxHeapBytes: 2 ** 30 })
})
