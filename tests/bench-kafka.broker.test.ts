import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, inject, test } from 'vitest'
import { temporaryFolder } from './support/temporary-folder.ts'

const PROGRAM = fileURLToPath(new URL('../benchmarks/kafka.mjs', import.meta.url))
const RECORDS = 2_000
const KEYS = 200

interface Results {
  readonly workloads: readonly {
    readonly name: string
    readonly programs: readonly {
      readonly name: string
      readonly runs: readonly { readonly outputRecords: number; readonly changelogRecords?: number }[]
    }[]
  }[]
}

test('every program that is compared counts the same records, and what each wrote is found right', { timeout: 280_000 }, async () => {
  await using folder = await temporaryFolder()
  const json = join(folder.path, 'results.json')
  const sizes = ['--records', String(RECORDS), '--keys', String(KEYS), '--runs', '1']
  await promisify(execFile)(process.execPath, [PROGRAM, '--only', 'a', ...sizes, '--brokers', inject('kafkaBrokers'), '--json', json])
  const { workloads } = JSON.parse(await readFile(json, 'utf8')) as Results
  expect(workloads.map(({ name }) => name)).toEqual(['a'])
  const runs = new Map(workloads[0]?.programs.map(({ name, runs: [run] }) => [name, run]))
  const ours = ['millrace', 'millrace-packed', 'millrace-single']
  const others = ['kafka-streams', 'by-hand', 'by-hand-packed', 'kafkajs-batch', 'kafkajs-message']
  expect([...runs.keys()]).toEqual([...ours, ...others])
  for (const run of runs.values()) expect(run?.outputRecords).toBe(RECORDS)
  // Of those that write it at a commit it may be one a key; Kafka Streams writes one a record, and who takes single messages has none.
  expect(runs.get('kafka-streams')?.changelogRecords).toBe(RECORDS)
  expect(runs.get('kafkajs-message')?.changelogRecords).toBeUndefined()
  for (const name of [...ours, 'by-hand', 'by-hand-packed', 'kafkajs-batch'])
    expect(runs.get(name)?.changelogRecords).toBeGreaterThanOrEqual(KEYS)
})
