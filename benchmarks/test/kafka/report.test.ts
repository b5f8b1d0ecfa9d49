import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ProgramName } from '../../src/kafka/programs/programs.ts'
import { boundResults } from '../../src/kafka/report/bounds.ts'
import { heapBound, heapTable, smallestHeap } from '../../src/kafka/report/heap.ts'
import { type LatencyRow, latencyTable } from '../../src/kafka/report/latency.ts'
import { BEGIN, END, writeIntoPage } from '../../src/kafka/report/page.ts'
import { readResults, writeResults } from '../../src/kafka/report/results-file.ts'
import { drawn } from '../../src/report/plain-table.ts'
import { ratioTable, workloadTable } from '../../src/kafka/report/result-tables.ts'
import { merged, noResults, type Results, type WorkloadResult } from '../../src/kafka/report/results.ts'
import type { HeapRuns } from '../../src/kafka/run/measure-heaps.ts'
import { processorMs } from '../../src/kafka/run/processor-time.ts'
import { thisMachine } from '../../src/report/machine.ts'

/** A workload of which only rates are told, a list of rounds for each program. */
function workload(name: string, rates: Partial<Record<ProgramName, readonly number[]>>): WorkloadResult {
  return {
    name,
    title: 'something',
    commitIntervalMs: 100,
    programs: Object.entries(rates).map(([program, all]) => ({
      name: program as ProgramName,
      title: program,
      runs: all.map((recordsPerSecond) => ({ records: 100, ms: 1, recordsPerSecond, cpuSecondsPerMillion: 2.25, outputRecords: 100 })),
    })),
  }
}

function results(...workloads: WorkloadResult[]): Results {
  const origins = Object.fromEntries(
    workloads.map(({ name }) => [name, { date: '2000-01-01', command: 'npm run bench:kafka -- --runs 3' }]),
  )
  return { ...noResults(thisMachine()), origins, workloads }
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

  test('of the packed client are of throughput, of processor time, and of latency at half of what Kafka Streams can do', () => {
    const cheap = { records: 100, ms: 1, recordsPerSecond: 500, cpuSecondsPerMillion: 3, peakBytes: 300, outputRecords: 100 }
    const dear = { ...cheap, recordsPerSecond: 100, cpuSecondsPerMillion: 10, peakBytes: 200 }
    const ofA = {
      ...workload('a', {}),
      programs: [
        { name: 'millrace-packed' as const, title: 'Millrace', runs: [cheap] },
        { name: 'kafka-streams' as const, title: 'Kafka Streams', runs: [dear] },
      ],
    }
    const at = (share: number, p99: number) => ({ share, rate: 50, p50: 1, p99, samples: 10 })
    const rows: LatencyRow[] = [
      { program: 'millrace-packed', title: 'Millrace', shares: [at(0.5, 90)] },
      { program: 'millrace-packed', of: 'kafka-streams', title: 'Millrace', shares: [at(0.1, 90), at(0.5, 20)] },
      { program: 'kafka-streams', title: 'Kafka Streams', shares: [at(0.1, 5), at(0.5, 30)] },
    ]
    const found = boundResults({ ...results(ofA), latencies: [{ workload: 'a', rows }] })
    expect(found.map(({ reached, measured }) => [reached, measured])).toEqual([
      [true, '5.00 (5.00-5.00)'],
      [true, '0.30 (0.30-0.30)'],
      [false, '1.50 (1.50-1.50)'],
      [true, '20 ms, Kafka Streams 30 ms'],
    ])
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

test('a table of ratios has a row for each workload, and a column for each of the others', () => {
  const near = workload('a', { millrace: [200, 300, 1_000], 'by-hand': [100, 100, 100], 'kafkajs-message': [5, 5, 5] })
  const far = workload('f-distant', { millrace: [200], 'kafkajs-message': [1] })
  const { head, rows } = ratioTable([near, far])
  expect(head).toEqual(['', 'by-hand', 'kafkajs-message'])
  expect(rows).toEqual([
    ['(a) something', '3.00', '60'],
    ['(f-distant) something', '', '200'],
  ])
})

test('where Millrace was measured on its own client alone, others are held against that', () => {
  const { title, head, rows } = ratioTable([workload('d', { 'millrace-packed': [300], 'kafka-streams': [100] })])
  expect([title, head, rows]).toEqual([
    'How many times as fast millrace-packed is, medians of the ratios of all rounds',
    ['', 'kafka-streams'],
    [['(d) something', '3.00']],
  ])
})

test('a program that saves its commits is told of, when it ran for long enough to tell', () => {
  const run = (ms: number, commits: number) => ({ records: 1, ms, recordsPerSecond: 1, cpuSecondsPerMillion: 1, outputRecords: 1, commits })
  const told = (...runs: readonly (readonly [number, number])[]) => {
    const all = runs.map(([ms, commits]) => run(ms, commits))
    const programs = [
      { name: 'by-hand' as const, title: 'by hand', runs: [run(1_000, 9)] },
      { name: 'millrace' as const, title: 'Millrace', runs: all },
    ]
    return boundResults(results({ name: 'c', title: '', commitIntervalMs: 100, programs })).map(({ reached, measured }) => [
      reached,
      measured,
    ])
  }
  expect(told([1_000, 3], [1_000, 1], [2_000, 8])).toEqual([[true, '0.30 (Millrace)']])
  expect(told([1_000, 2])).toEqual([[false, '0.20 (Millrace)']])
  expect(told([400, 0])).toEqual([[true, '0.90 (by hand)']])
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
    '-',
    '',
  ])
})

describe('heaps', () => {
  const MEGABYTE = 1_048_576
  const run = (recordsPerSecond: number, peakMb: number) => ({
    records: 100,
    ms: 1,
    recordsPerSecond,
    cpuSecondsPerMillion: 1,
    outputRecords: 100,
    peakBytes: peakMb * MEGABYTE,
  })
  const heaps = (millraceMb: number): HeapRuns[] => [
    { program: 'millrace', title: 'Millrace', runs: [run(500, millraceMb)] },
    { program: 'millrace', heapMb: 64, title: 'Millrace in 64', runs: [run(474, 100)] },
    { program: 'millrace', heapMb: 96, title: 'Millrace in 96', runs: [run(476, 120)] },
    { program: 'kafka-streams', heapMb: 64, title: 'in 64', runs: [], failure: 'OutOfMemoryError' },
    { program: 'kafka-streams', heapMb: 128, title: 'in 128', runs: [run(90, 200), run(94, 210), run(100, 220)] },
    { program: 'kafka-streams', heapMb: 256, title: 'in 256', runs: [run(95, 300), run(96, 310), run(10, 320)] },
    { program: 'kafka-streams', heapMb: 512, title: 'in 512', runs: [run(99, 500), run(100, 510), run(101, 520)] },
  ]

  test('the smallest one that is large enough has 95 % of the best median', () => {
    expect(smallestHeap(heaps(1), 'kafka-streams')).toEqual({
      program: 'kafka-streams',
      heapMb: 256,
      title: 'in 256',
      rate: 95,
      peakMb: 310,
    })
    expect(smallestHeap(heaps(1), 'millrace')).toMatchObject({ heapMb: 96 })
    expect(smallestHeap(heaps(900).slice(0, 1), 'millrace')).toMatchObject({ title: 'Millrace', peakMb: 900 })
  })

  test('bound the memory of Millrace as it runs, whatever it has in a smaller heap, by that of Kafka Streams in its smallest', () => {
    const bound = (millraceMb: number) => heapBound(heaps(millraceMb)).map(({ reached, measured }) => [reached, measured])
    expect(bound(310)).toEqual([[true, '310 MB, Kafka Streams 310 MB in a heap of 256 MiB']])
    expect(bound(311)).toEqual([[false, '311 MB, Kafka Streams 310 MB in a heap of 256 MiB']])
    expect(heapBound([])).toEqual([])
    expect(heapBound(heaps(1).slice(1))).toEqual([])
  })

  test('that are the smallest of their program are marked in the table', () => {
    const { rows } = heapTable(heaps(1))
    expect(rows.filter((cells) => cells.at(-1) === 'yes').map(([title]) => title)).toEqual(['Millrace in 96', 'in 256'])
  })

  test('that are too small stand in the table', () => {
    const { rows } = heapTable(heaps(1))
    expect(rows.at(-1)).toEqual(['in 64', 'does not do it', '', '', ''])
    expect(rows.find(([title]) => title === 'in 128')).toEqual(['in 128', '94', '0.94', '210', ''])
    expect(rows[1]).toEqual(['Millrace in 64', '474', '0.95', '100', ''])
  })
})

test('a table of latency has a column for each share of the throughput', () => {
  const latency = { p50: 3.4, p99: 20, samples: 10 }
  const table = latencyTable({
    workload: 'c',
    rows: [{ program: 'millrace', title: 'Millrace', shares: [{ share: 0.1, rate: 1_000, ...latency }] }],
  })
  expect(table.head).toEqual(['', 'at 0.1 of its highest throughput'])
  expect(table.rows).toEqual([['Millrace', '3 / 20 (1,000/s)']])
})

describe('what was measured before', () => {
  const rates = (all: Results) => all.workloads.map(({ name, programs }) => [name, programs[0]?.runs[0]?.recordsPerSecond])
  const before = results(workload('c', { millrace: [300] }), workload('a', { millrace: [100] }))
  const now: Results = {
    ...results(workload('a', { millrace: [200] }), workload('b', { millrace: [50] })),
    heap: [{ program: 'millrace', title: 'Millrace', runs: [] }],
    origins: { a: { date: '2000-01-02', command: 'again' } },
  }

  test('stays, but for what is measured once more', () => {
    const all = merged(before, now)
    expect(rates(all)).toEqual([
      ['a', 200],
      ['b', 50],
      ['c', 300],
    ])
    expect([all.origins['a']?.command, all.origins['c']?.date, all.heap?.length]).toEqual(['again', '2000-01-01', 1])
    expect(merged(all, before).heap).toHaveLength(1)
  })

  test('is read from its file, which is whole or not there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-results-'))
    try {
      const file = join(folder, 'results.json')
      await expect(readResults(file)).resolves.toBeUndefined()
      await writeResults(file, before)
      await expect(readResults(file)).resolves.toEqual(before)
      await writeFile(file, '{"workloads":')
      await expect(readResults(file)).rejects.toThrow('has no results of this comparison')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
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
    expect(page).toContain('- 2000-01-01, `npm run bench:kafka -- --runs 3`: (a)')
    expect(page).toContain('| (a) at least 0.9 times Kafka Streams, caching off | 3.00 (3.00-3.00) | reached |')
    expect(page).toContain('| millrace | 300 | 300-300 | 3.00 |')
  })

  test('of the documentation has these marks', async () => {
    const page = await readFile(new URL('../../../docs/performance.md', import.meta.url), 'utf8')
    expect(page.indexOf(BEGIN)).toBeGreaterThan(0)
    expect(page.indexOf(END)).toBeGreaterThan(page.indexOf(BEGIN))
  })

  test('without marks stays as it is', async () => {
    await expect(write('nothing\n')).rejects.toThrow(`has no lines '${BEGIN}' and '${END}'`)
  })
})

test('the time of processes is not known where there are none, or one is gone', () => {
  expect(processorMs([])).toBeUndefined()
  expect(processorMs([2 ** 22 + 1])).toBeUndefined()
})
