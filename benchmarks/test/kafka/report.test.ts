import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ProgramName } from '../../src/kafka/programs/programs.ts'
import { boundResults } from '../../src/kafka/report/bounds.ts'
import { BEGIN, END, writeIntoPage } from '../../src/kafka/report/page.ts'
import { drawn } from '../../src/kafka/report/plain-table.ts'
import { workloadTable } from '../../src/kafka/report/result-tables.ts'
import type { Results, WorkloadResult } from '../../src/kafka/report/results.ts'
import { processorMs } from '../../src/kafka/run/processor-time.ts'
import { thisMachine } from '../../src/report/machine.ts'

/** A workload of which only rates are told, a list of rounds for each program. */
function workload(name: string, rates: Partial<Record<ProgramName, readonly number[]>>): WorkloadResult {
  return {
    name,
    title: 'something',
    programs: Object.entries(rates).map(([program, all]) => ({
      name: program as ProgramName,
      title: program,
      runs: all.map((recordsPerSecond) => ({ records: 100, ms: 1, recordsPerSecond, cpuSecondsPerMillion: 2.25, outputRecords: 100 })),
    })),
  }
}

function results(...workloads: WorkloadResult[]): Results {
  return { date: '2000-01-01', command: 'npm run bench:kafka -- --runs 3', machine: thisMachine(), rounds: 3, workloads }
}

describe('bounds', () => {
  test('are held against the median of the ratios of rounds, which is not the ratio of medians', () => {
    const [kafkaStreams] = boundResults(results(workload('a', { millrace: [100, 200, 900], 'kafka-streams': [100, 400, 1_000] })))
    expect(kafkaStreams).toEqual({ says: '(a) at least 0.9 times Kafka Streams, caching off', reached: true, measured: '0.90 (0.50-1.00)' })
  })

  test('are not reached below, or above where they are a maximum', () => {
    const found = boundResults(
      results(workload('a', { millrace: [160], 'kafka-streams': [200], 'millrace-single': [100], 'kafkajs-message': [4] })),
    )
    expect(found.map(({ reached, measured }) => [reached, measured])).toEqual([
      [false, '0.80 (0.80-0.80)'],
      [true, '40 (40-40)'],
      [false, '1.60 (1.60-1.60)'],
    ])
  })

  test('say nothing of what was not measured', () => {
    expect(boundResults(results(workload('b', { millrace: [1] }), workload('d', { millrace: [1], 'kafka-streams': [1] })))).toEqual([])
  })

  test('of growth compare two ratios', () => {
    const found = boundResults(
      results(
        workload('a', { millrace: [200], 'kafka-streams': [100] }),
        workload('a-keys', { millrace: [95], 'kafka-streams': [50] }),
        workload('a-values', { millrace: [85], 'kafka-streams': [50] }),
      ),
    ).slice(1)
    expect(found.map(({ reached, measured }) => [reached, measured])).toEqual([
      [true, '0.95 (1.90 of 2.00)'],
      [false, '0.85 (1.70 of 2.00)'],
    ])
  })
})

test('a table has a row for each program, and dashes for what is not known', () => {
  const text = drawn(workloadTable(workload('a', { millrace: [1_000, 3_000, 2_000], 'kafka-streams': [1_000, 1_000, 1_000] })))
  expect(text).toMatch(/^\(a\) something: median of 3 runs\n/)
  const row = text.split('\n').find((line) => line.includes('millrace'))
  expect(row?.split('│').map((cell) => cell.trim())).toEqual([
    '',
    'millrace',
    '2,000',
    '1,000-3,000',
    '2.00',
    '2.3',
    '-',
    '-',
    '100',
    '-',
    '',
  ])
})

describe('a page', () => {
  const write = async (page: string) => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-page-'))
    try {
      const file = join(folder, 'page.md')
      await writeFile(file, page)
      await writeIntoPage(file, results(workload('a', { millrace: [300], 'kafka-streams': [100] })))
      return await readFile(file, 'utf8')
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  test('gets figures between its marks, with date and command, and keeps the rest', async () => {
    const page = await write(`before\n${BEGIN}\nold figures\n${END}\nafter\n`)
    expect(page).toMatch(/^before\n/)
    expect(page).toMatch(/\nafter\n$/)
    expect(page).not.toContain('old figures')
    expect(page).toContain('Measured on 2000-01-01 with `npm run bench:kafka -- --runs 3`')
    expect(page).toContain('| (a) at least 0.9 times Kafka Streams, caching off | 3.00 (3.00-3.00) | reached |')
    expect(page).toContain('| millrace | 300 | 300-300 | 3.00 |')
  })

  test('without marks stays as it is', async () => {
    await expect(write('nothing\n')).rejects.toThrow(`has no lines '${BEGIN}' and '${END}'`)
  })
})

test('the time of processes is not known where there are none, or one is gone', () => {
  expect(processorMs([])).toBeUndefined()
  expect(processorMs([2 ** 22 + 1])).toBeUndefined()
})
