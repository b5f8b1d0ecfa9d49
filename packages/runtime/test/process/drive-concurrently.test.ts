import {
  deferred,
  type OutputType,
  type ProcessorContext,
  serdes,
  type StoreDefinition,
  type StreamRecord,
  TaskClosedError,
} from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OutputBudgetExceeded } from '../../src/process/output-budget.ts'
import { writeTimestampOf } from '../../src/process/task-scope.ts'
import { batchOf, DrivenNode } from './support/driving.ts'

type Numbered = StreamRecord<unknown, number>
type Context = ProcessorContext<unknown, unknown>

/** The scope gives the time of changes for any store. */
const anyStore = { name: 'store' } as StoreDefinition<() => number>

const someKeys = fc.array(fc.constantFrom('a', 'b', 'c', null), { minLength: 1, maxLength: 25 })
const anyLimit = fc.integer({ min: 1, max: 8 })
const anyConcurrency = fc.record({ ordering: fc.constantFrom('partition' as const, 'key' as const, 'unordered' as const), limit: anyLimit })
/** How often each record waits, by turns, and whether it fails in the end. */
const behaviour = fc.array(fc.record({ waits: fc.nat(3), fails: fc.boolean() }), { minLength: 1, maxLength: 7 })

/** Runs records of these keys, in whatever order the scheduler lets them go on, and writes down what happened. */
async function run(
  scheduler: fc.Scheduler,
  given: {
    keys: readonly unknown[]
    steps: readonly { waits: number; fails: boolean }[]
    concurrency: { ordering: 'partition' | 'key' | 'unordered'; limit: number } | undefined
  },
) {
  const { keys, steps, concurrency } = given
  const running = new Set<number>()
  const began: number[] = []
  const done: number[] = []
  let most = 0
  const overlaps: unknown[] = []
  const node = new DrivenNode(
    {
      async process(record: Numbered, context: Context) {
        const i = record.value
        const { waits, fails } = steps[i % steps.length] as (typeof steps)[number]
        began.push(i)
        if ([...running].some((other) => keys[other] === record.key)) overlaps.push(record.key)
        running.add(i)
        most = Math.max(most, running.size)
        context.forward({ ...record, value: `${i}.0` })
        for (let wait = 0; wait < waits; wait++) {
          await scheduler.schedule(Promise.resolve(), `record ${i}`)
          context.forwardBatch({ keys: [record.key], values: [`${i}.${wait + 1}`], timestamps: [record.timestamp + context.streamTime] })
        }
        running.delete(i)
        done.push(i)
        if (fails) throw new Error(`record ${i} fails`)
      },
    },
    { concurrency },
  )
  const { failed, output } = await scheduler.waitFor(node.drive(batchOf(keys)))
  const batch = output()
  const rows = Array.from({ length: batch?.length ?? 0 }, (_, i) => [batch?.offset(i), batch?.values[i], batch?.timestamp(i)])
  return { failed, rows, began, done, most, overlaps }
}

/** Records that come after one of their key that fails. */
function behindFailed(keys: readonly unknown[], steps: readonly { fails: boolean }[]): ReadonlySet<number> {
  const failed = new Set<unknown>()
  const left = new Set<number>()
  for (const [i, key] of keys.entries()) {
    if (failed.has(key)) left.add(i)
    else if (steps[i % steps.length]?.fails === true) failed.add(key)
  }
  return left
}

describe('several records at once', () => {
  test("never more than allowed, each exactly once, whatever fails, but with 'key' not what follows under the key of one that failed; errors by index", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), someKeys, behaviour, anyConcurrency, async (scheduler, keys, steps, concurrency) => {
        const { failed, began, most } = await run(scheduler, { keys, steps, concurrency })
        expect(most).toBeLessThanOrEqual(concurrency.limit)
        const left = concurrency.ordering === 'key' ? behindFailed(keys, steps) : new Set()
        expect(began.toSorted((a, b) => a - b)).toEqual(keys.flatMap((_, i) => (left.has(i) ? [] : [i])))
        const failing = began.filter((i) => steps[i % steps.length]?.fails).sort((a, b) => a - b)
        expect(failed.map(({ index, error }) => [index, (error as Error).message])).toEqual(failing.map((i) => [i, `record ${i} fails`]))
      }),
    )
  })

  test("as many as allowed, if there are so many; with 'key', as many as there are keys", async () => {
    for (const [ordering, most] of [
      ['partition', 4],
      ['unordered', 4],
      ['key', 2],
    ] as const) {
      const gate = deferred<void>()
      let inFlight = 0
      const node = new DrivenNode(
        () => {
          inFlight++
          return gate.promise
        },
        { concurrency: { ordering, limit: 4 } },
      )
      const driving = node.drive(batchOf(['a', 'b', 'a', 'b', 'a', 'b']))
      expect(inFlight).toBe(most)
      gate.resolve()
      await driving
      expect(inFlight).toBe(6)
    }
  })

  test("with 'key', records of a key neither overlap nor overtake one another", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), someKeys, behaviour, anyLimit, async (scheduler, keys, steps, limit) => {
        const { began, done, overlaps } = await run(scheduler, { keys, steps, concurrency: { ordering: 'key', limit } })
        expect(overlaps).toEqual([])
        const left = behindFailed(keys, steps)
        for (const key of new Set(keys)) {
          const own = keys.flatMap((one, i) => (one === key && !left.has(i) ? [i] : []))
          expect(began.filter((i) => keys[i] === key)).toEqual(own)
          expect(done.filter((i) => keys[i] === key)).toEqual(own)
        }
      }),
    )
  })

  test("with 'partition' and 'key', output is what one after another gives", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), someKeys, behaviour, anyLimit, async (scheduler, keys, steps, limit) => {
        const good = steps.map(({ waits }) => ({ waits, fails: false }))
        const sequential = await run(scheduler, { keys, steps: good, concurrency: undefined })
        for (const ordering of ['partition', 'key'] as const) {
          const { rows } = await run(scheduler, { keys, steps: good, concurrency: { ordering, limit } })
          expect(rows).toEqual(sequential.rows)
        }
      }),
    )
  })

  test("with 'unordered', output is in the order in which records are done, each record's together", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), someKeys, behaviour, anyLimit, async (scheduler, keys, steps, limit) => {
        const { rows, done } = await run(scheduler, { keys, steps, concurrency: { ordering: 'unordered', limit } })
        const waitsOf = (i: number) => steps[i % steps.length]?.waits ?? 0
        expect(rows.map(([, value]) => value)).toEqual(
          done.flatMap((i) => Array.from({ length: waitsOf(i) + 1 }, (_, part) => `${i}.${part}`)),
        )
      }),
    )
  })

  test('each record has its own stream time and named outputs, and its own time for what it changes in stores', async () => {
    const gates = [deferred<void>(), deferred<void>()]
    const times: [number, number][] = []
    const node = new DrivenNode(
      async (record: Numbered, context: ProcessorContext<unknown, unknown, { late: OutputType<unknown, unknown> }>) => {
        const timestamp = context.store<() => number>(anyStore)
        await gates[record.value]?.promise
        times.push([context.streamTime, timestamp()])
        context.to.late.forward(record)
      },
      { outputs: ['late'], concurrency: { ordering: 'partition', limit: 2 } },
    )
    const driving = node.drive(batchOf(['a', 'b']))
    gates[1]?.resolve()
    await gates[1]?.promise
    gates[0]?.resolve()
    const { output } = await driving
    expect(times).toEqual([
      [2_000, 2_000],
      [1_000, 1_000],
    ])
    expect(output('late')?.values).toEqual([0, 1])
  })

  test('what a record forwards or changes after it is done is refused, as is what is done through another context', async () => {
    const late: unknown[] = []
    const attempt = (what: () => unknown) => {
      try {
        what()
        late.push('nothing')
      } catch (error) {
        late.push((error as Error).message)
      }
    }
    let left: (() => void) | undefined
    const node: DrivenNode = new DrivenNode(
      (record: Numbered, context: Context) => {
        if (record.value === 0) {
          const timestamp = context.store<() => number>(anyStore)
          left = () => {
            attempt(() => context.forward(record))
            attempt(timestamp)
          }
          return
        }
        left?.()
        attempt(() => node.context.forward(record))
        attempt(() => writeTimestampOf(node.scope))
      },
      { concurrency: { ordering: 'partition', limit: 1 } },
    )
    const { output } = await node.drive(batchOf(['a', 'b']))
    expect(output()).toBeUndefined()
    expect(late).toEqual([
      expect.stringContaining("Node 'node' forwarded a record while it was processing nothing"),
      expect.stringContaining("Node 'node' changed a store for a record that was done"),
      expect.stringContaining("Node 'node' processes several records at once: forward through the context"),
      expect.stringContaining('use context.store() of the context that process is given with each record'),
    ])
  })

  test('after the task was closed nothing more is begun, and what is under way is waited for', async () => {
    const gates = [deferred<void>(), deferred<void>()]
    const began: number[] = []
    const node = new DrivenNode(
      async (record: Numbered) => {
        began.push(record.value)
        await gates[record.value]?.promise
      },
      { concurrency: { ordering: 'partition', limit: 2 } },
    )
    let ended = false
    const driving = node.drive(batchOf(['a', 'b', 'c', 'd'])).finally(() => {
      ended = true
    })
    node.guard = () => {
      throw new TaskClosedError('0_0')
    }
    gates[0]?.resolve()
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    expect([ended, began]).toEqual([false, [0, 1]])
    gates[1]?.resolve()
    await expect(driving).rejects.toBeInstanceOf(TaskClosedError)
    expect(began).toEqual([0, 1])
  })

  test('more output than a pass may gather is no failure of a record', async () => {
    let begun = 0
    const node = new DrivenNode(
      (record: Numbered, context: Context) => {
        begun++
        context.forward(record)
      },
      { outputBytes: 200, concurrency: { ordering: 'key', limit: 3 } },
    )
    await expect(node.drive(batchOf(['a', 'b', 'c', 'd', 'e', 'f']))).rejects.toBeInstanceOf(OutputBudgetExceeded)
    expect(begun).toBe(3)
  })

  test("a key that can't be told from others fails its record alone", async () => {
    const node = new DrivenNode((record: Numbered, context: Context) => context.forward(record), {
      concurrency: { ordering: 'key', limit: 3, keySerde: serdes.string as never },
    })
    const { failed, output } = await node.drive(batchOf(['a', { id: 1 }, 'c']))
    expect(output()?.values).toEqual([0, 2])
    expect(failed).toMatchObject([{ index: 1 }])
    expect(String(failed[0]?.error)).toMatch(
      /ordering 'key' of node 'node' compares keys that are objects by their bytes.*'string', refuses/,
    )
  })

  test('by key, where what is done would be kept, a record that fails and is followed by one of its key fails the rest: it is not overtaken', async () => {
    const fails = (...failing: readonly number[]) =>
      new DrivenNode(
        {
          process(record: Numbered) {
            if (failing.includes(record.value)) throw new Error(`record ${record.value} fails`)
          },
        },
        { keep: true, concurrency: { ordering: 'key', limit: 4 } },
      )
    const keys = ['a', 'b', 'a', 'c']
    await expect(fails(0, 1).drive(batchOf(keys))).rejects.toMatchObject({ code: 'PROCESSING_FAILED', offset: 100 })
    const { failed } = await fails(1, 2).drive(batchOf(keys))
    expect(failed.map(({ index }) => index)).toEqual([1, 2])
  })
})
