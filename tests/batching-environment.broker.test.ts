import { randomUUID } from 'node:crypto'
import { type AppBatchOptions, serdes } from 'millrace'
import { kafka } from 'millrace/kafka'
import { expect, inject, test } from 'vitest'
import type { BatchingConfig, BatchingMessage } from './support/batching-messages.ts'
import { ChildProgram } from './support/child-program.ts'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const brokers = inject('kafkaBrokers')
const pair = { key: serdes.int32, value: serdes.int32 }
/** Serialised: key and value have four bytes each. */
const RECORD_BYTES = 8
const RECORDS = 60
const all = Array.from({ length: RECORDS }, (_, i) => i)

type Environment = Readonly<Record<string, string>>
type Of<Type extends BatchingMessage['type']> = Extract<BatchingMessage, { readonly type: Type }>

/** Runs a process of its own on sixty records, in an environment, until all of them are processed or it was refused. */
async function run(env: Environment, batch: AppBatchOptions, bad?: number) {
  await using folder = await temporaryFolder()
  await using log = await LogClient.open(kafka({ brokers }))
  const id = randomUUID().slice(0, 8)
  const topic = `in-${id}`
  await log.createTopics({ [topic]: 1 })
  await log.write(
    topic,
    pair,
    all.map((value) => ({ key: value, value })),
  )
  const cuts: Of<'cut'>[] = []
  const calls: Of<'call'>[] = []
  let refused: string | undefined
  const config: BatchingConfig = { brokers, applicationId: `batching-${id}`, topic, stateDir: folder.path, batch, bad }
  await using program = new ChildProgram<BatchingMessage>(
    'batching-member',
    config,
    (message) => {
      if (message.type === 'cut') cuts.push(message)
      else if (message.type === 'call') calls.push(message)
      else refused = message.message
    },
    { env },
  )
  await program.until(() => refused !== undefined || cuts.reduce((sum, { records }) => sum + records, 0) === RECORDS)
  return {
    told: cuts.map(({ records, trigger }) => `${records} by ${trigger}`),
    calls: calls.map(({ how, values }) => `${how} ${values.join(' ')}`),
    refused,
  }
}

const of = (count: number, text: string) => Array.from({ length: count }, () => text)

/** Whatever the program says, it waits for ever for batches of a thousand. */
const never: AppBatchOptions = { strategy: 'size', size: 1_000 }

test('MILLRACE_BATCH_SIZE=1 makes single records of a program that asks for batches, without any other change', async () => {
  const { told, calls } = await run({ MILLRACE_BATCH_SIZE: '1' }, never)
  expect(told).toEqual(of(RECORDS, '1 by records'))
  expect(calls).toEqual(all.map((value) => `process ${value}`))
})

test.each<[Environment, string[]]>([
  [{ MILLRACE_BATCH_SIZE: '20' }, of(3, '20 by records')],
  [{ MILLRACE_BATCH_STRATEGY: 'immediate' }, of(RECORDS, '1 by records')],
  [{ MILLRACE_MAX_BATCH_BYTES: String(10 * RECORD_BYTES) }, of(6, '10 by bytes')],
  [{ MILLRACE_BATCH_STRATEGY: 'bytes', MILLRACE_MAX_BATCH_BYTES: String(15 * RECORD_BYTES) }, of(4, '15 by bytes')],
])('%o counts more than the program, which would wait for ever', async (env, told) => {
  expect((await run(env, never)).told).toEqual(told)
})

test('MILLRACE_BATCH_TIMEOUT_MS hands on what a program would keep for ever', async () => {
  const { told, calls } = await run({ MILLRACE_BATCH_TIMEOUT_MS: '200' }, never)
  expect(new Set(told.map((one) => one.replace(/^\d+/, 'some')))).toEqual(new Set(['some by age']))
  expect(calls.flatMap((call) => call.split(' ').slice(1).map(Number))).toEqual(all)
})

test('MILLRACE_MAX_RETRIES says how often a batch that failed is tried again', async () => {
  const { calls } = await run({ MILLRACE_MAX_RETRIES: '1' }, { size: RECORDS, timeoutMs: 3_600_000, maxRetries: 5 }, 7)
  const rest = all.filter((value) => value !== 7).join(' ')
  expect(calls).toEqual([...of(2, `processBatch ${all.join(' ')}`), `processBatch ${rest}`])
})

test('what is wrong with any of them is told in one error, and nothing is processed', async () => {
  const { refused, calls } = await run(
    {
      MILLRACE_BATCH_SIZE: '0',
      MILLRACE_BATCH_TIMEOUT_MS: 'soon',
      MILLRACE_MAX_BATCH_BYTES: '1.5',
      MILLRACE_BATCH_STRATEGY: 'fast',
      MILLRACE_MAX_RETRIES: '-1',
    },
    {},
  )
  const problems = [
    'MILLRACE_BATCH_SIZE is 0;',
    'MILLRACE_BATCH_TIMEOUT_MS is "soon";',
    'MILLRACE_MAX_BATCH_BYTES is "1.5";',
    'MILLRACE_BATCH_STRATEGY is "fast";',
    'MILLRACE_MAX_RETRIES is "-1";',
  ]
  expect(problems.filter((problem) => refused?.includes(problem) !== true)).toEqual([])
  expect(calls).toEqual([])
})
