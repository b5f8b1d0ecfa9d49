import { type Deferred, deferred } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { Activation, type RestoreRequest } from '../../src/task/activation.ts'
import type { Task } from '../../src/task/task.ts'

/** A task with a store, whose start ends when the test says so. */
class StartingTask {
  readonly queues = []
  readonly stores = { count: 1 }
  readonly state = 'restoring'
  readonly starting: Deferred<void> = deferred()
  readonly id: string
  begun = false
  interrupted = false

  constructor(id: string) {
    this.id = id
  }

  restoring(): void {}

  start(): Promise<void> {
    this.begun = true
    return this.starting.promise
  }

  interrupt(): void {
    this.interrupted = true
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Whether a promise is resolved by now. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false
  void promise.then(() => {
    done = true
  })
  await turn()
  return done
}

function begun(...ids: readonly string[]) {
  const tasks = ids.map((id) => new StartingTask(id))
  const failedLate: string[] = []
  const activation = new Activation(tasks as unknown as readonly Task[], [], {
    open: async () => undefined,
    restore: async ({ onRestored }: RestoreRequest) => {
      for (const id of ids) onRestored([id])
    },
    onFailedLate: ({ id }) => failedLate.push(id),
    commitStarts: async () => undefined,
  })
  const running = activation.run()
  running.catch(() => undefined)
  return { tasks, failedLate, activation, running }
}

describe('a task that is taken out while it is started', () => {
  test('is let go of when what is under way has ended, also once another one has failed', async () => {
    const { tasks, failedLate, activation, running } = begun('0_0', '0_1')
    const [failing, other] = tasks as [StartingTask, StartingTask]
    await turn()
    expect([failing.begun, other.begun]).toEqual([true, true])
    failing.starting.reject(new Error('no'))
    await turn()
    const removing = activation.remove(tasks as unknown as readonly Task[])
    expect(await isDone(removing)).toBe(false)
    expect(other.interrupted).toBe(true)
    other.starting.reject(new Error('it was interrupted'))
    expect(await isDone(removing)).toBe(true)
    await expect(running).rejects.toThrow('no')
    expect(failedLate).toEqual(['0_1'])
  })

  test('is none that runs already, whatever becomes of others', async () => {
    const { tasks, activation, running } = begun('0_0', '0_1', '0_2')
    const [failing, other, hanging] = tasks as [StartingTask, StartingTask, StartingTask]
    await turn()
    failing.starting.reject(new Error('no'))
    await turn()
    other.starting.resolve()
    await turn()
    await activation.remove([other] as unknown as readonly Task[])
    // Its last pass is to end by itself.
    expect(other.interrupted).toBe(false)
    hanging.starting.resolve()
    await expect(running).rejects.toThrow('no')
  })
})
