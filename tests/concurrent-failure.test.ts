import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defineApp, type ProcessorConcurrency, serdes, silentLogger, start, TopologyBuilder } from 'millrace'
import { memory } from 'millrace/memory'
import { ACKNOWLEDGEMENTS } from './support/failing-run.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { transportWith } from './support/transport-with.ts'

const numbers = { key: serdes.string, value: serdes.int32 }
const MAX_RETRIES = 2

/** A record: for how many turns of the event loop it is processed, and how often that fails. */
interface Work {
  readonly turns: number
  readonly fails: number
}

interface Case {
  readonly works: readonly Work[]
  readonly size: number
  readonly acknowledgement: (typeof ACKNOWLEDGEMENTS)[number]
  readonly concurrency: ProcessorConcurrency
}

const works = fc.array(fc.record({ turns: fc.nat(6), fails: fc.constantFrom(0, 0, 0, 1, 2, Infinity) }), { minLength: 1, maxLength: 12 })
const cases: fc.Arbitrary<Case> = fc.record({
  works,
  size: fc.integer({ min: 1, max: 12 }),
  acknowledgement: fc.constantFrom(...ACKNOWLEDGEMENTS),
  concurrency: fc.constantFrom<ProcessorConcurrency>({ asyncBatch: true }, { ordering: 'key' }, { ordering: 'unordered' }),
})

/** Processes all of them, several at once, and commits as often as it can; what fails for good is skipped. */
async function run({ works, size, acknowledgement, concurrency }: Case) {
  await using folder = await temporaryFolder()
  const log = memory()
  await using client = await LogClient.open(log)
  await client.createTopics({ in: 1, out: 1 })
  await client.write(
    'in',
    numbers,
    works.map((_, value) => ({ key: `k${value % 3}`, value })),
  )
  const skipped: number[] = []
  /** Offsets that were committed, of records of which nothing had come yet. */
  const tooEarly: number[] = []
  const settled = async () => new Set([...skipped, ...(await client.readAll('out', numbers)).map(({ value }) => value)])
  const transport = transportWith(log, {
    openSource: async (options, context) => {
      const source = await log.openSource(options, context)
      const commit = source.commit.bind(source)
      source.commit = async (offsets) => {
        const known = await settled()
        for (const { offset } of offsets) for (let value = 0; value < offset; value++) if (!known.has(value)) tooEarly.push(value)
        return commit(offsets)
      }
      return source
    },
  })
  const attempts = works.map(() => 0)
  const builder = new TopologyBuilder('concurrent')
  builder
    .source('in', { topics: ['in'], ...numbers })
    .process<string, number>(
      'work',
      async (record, context) => {
        const { turns, fails } = works[record.value] as Work
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
        context.forward(record)
        if ((attempts[record.value] = (attempts[record.value] as number) + 1) <= fails) throw new Error(`${record.value} is bad`)
      },
      { maxConcurrency: 4, ...concurrency },
    )
    .sink('out', { topic: 'out', ...numbers })
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId: 'concurrent-failure',
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      batch: { size, timeoutMs: 0, maxRetries: MAX_RETRIES },
      commit: { records: 1 },
      failure: { acknowledgement, process: 'skip', retry: { initialDelayMs: 0 } },
      observer: (event) => {
        if (event.type === 'failure') skipped.push(event.offset)
      },
    }),
  )
  const running = app.run()
  running.catch(() => undefined)
  await app.caughtUp()
  await app.close()
  const out = (await client.readAll('out', numbers)).map(({ value }) => value)
  return { out, skipped, tooEarly, committed: await client.committed('concurrent-failure', 'in') }
}

const isAscending = (values: readonly number[]) => values.every((value, i) => i === 0 || value > (values[i - 1] as number))
const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b)

describe('records that are processed side by side and fail', () => {
  test('are settled each for itself: none is committed before it is done or given up, none is lost, and no other is given up with it', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const { out, skipped, tooEarly, committed } = await run(one)
        const all = one.works.map((_, value) => value)
        expect(tooEarly).toEqual([])
        expect(ascending([...out, ...skipped])).toEqual(all)
        expect(committed).toEqual([all.length])
        for (const value of skipped) expect(one.works[value]?.fails).toBeGreaterThan(0)
        for (const value of all.filter((each) => one.works[each]?.fails === Infinity)) expect(skipped).toContain(value)
        expect(one.concurrency.ordering === 'unordered' || isAscending(out)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })
})
