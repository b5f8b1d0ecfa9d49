import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger, type Transport } from '@millrace/core'
import { kafka } from '@millrace/transport-kafka'
import { quantile } from 'simple-statistics'
import { writeRecords } from '../input/write-records.ts'
import type { Program } from '../programs/programs.ts'
import type { Workload } from '../workloads.ts'
import { prepareRun } from './prepare-run.ts'
import { runProgram } from './run-program.ts'
import type { Surroundings } from './surroundings.ts'

const context = { logger: silentLogger }
/** How often records are written. */
const EVERY_MS = 5
const POLL_MS = 1_000
const LIMIT_MS = 120_000
/** Records of the beginning, which tell when the program runs. */
const FIRST = 100

export interface LatencyOptions {
  readonly surroundings: Surroundings
  /** Records a second. */
  readonly rate: number
  /** Not counted: until programs are warm. */
  readonly warmUpMs: number
  readonly measuredMs: number
}

/** From the time of a record to the moment at which its output, committed, has been read, in milliseconds. */
export interface Latency {
  readonly rate: number
  readonly p50: number
  readonly p99: number
  /** Records that were looked at: those whose output is in one partition of all. */
  readonly samples: number
}

/** Writes records at an even rate while a program runs, and reads one partition of its output, as whoever waits for it would. */
export async function measureLatency(program: Program, workload: Workload, options: LatencyOptions): Promise<Latency> {
  const { surroundings, rate, warmUpMs, measuredMs } = options
  const { partitions } = workload.shape
  const records = FIRST + Math.round((rate * (warmUpMs + measuredMs)) / 1_000)
  const shape = { ...workload.shape, records }
  const input = surroundings.name('paced')
  await surroundings.createTopic(input, partitions, 'kept')
  try {
    await using run = await prepareRun(program, workload, { surroundings, shape, input })
    // Both are to wait for as little as they can themselves.
    const transport = kafka({
      brokers: surroundings.brokers.brokers,
      consumer: { 'fetch.wait.max.ms': 10 },
      producer: { 'linger.ms': 1, 'compression.codec': 'none' },
    })
    const isolation = workload.guarantee === 'exactly-once' ? 'read-committed' : 'read-uncommitted'
    const reading = new OutputReading()
    const ended = runProgram(program, run.config, { brokerCpuMs: () => undefined, limitMs: LIMIT_MS })
    const read = reading.readUntil(ended, { transport, topic: run.config.output, isolation })
    const started = Promise.race([reading.first, ended])
    started.catch(() => undefined)
    try {
      await Promise.race([writePaced(transport, { input, workload, records, rate, started }), ended])
      await ended
    } finally {
      // Not while its topic is deleted.
      await read
    }
    return reading.latency(rate, warmUpMs)
  } finally {
    await surroundings.deleteTopics([input])
  }
}

interface Pace {
  readonly input: string
  readonly workload: Workload
  readonly records: number
  readonly rate: number
  /** Resolves when output comes. */
  readonly started: Promise<unknown>
}

async function writePaced(transport: Transport, { input, workload, records, rate, started }: Pace): Promise<void> {
  await using writer = await transport.openWriter({ clientId: 'bench-paced' }, context)
  const begin = { topic: input, shape: workload.shape }
  await writeRecords(writer, { ...begin, from: 0, to: FIRST, time: Date.now })
  await started
  const began = performance.now()
  // When it is due, whenever it is written: what waits because the writer is late has waited.
  const time = dueTimes({ beganAt: Date.now(), first: FIRST, rate })
  for (let from = FIRST; from < records;) {
    const due = FIRST + Math.floor(((performance.now() - began) * rate) / 1_000)
    const to = Math.min(records, due)
    if (to > from) await writeRecords(writer, { ...begin, from, to, time })
    from = to
    await sleep(EVERY_MS)
  }
  await writer.flush()
}

/** The time of record `index` of those that follow each other at `rate` a second, the `first` of them at `beganAt`. */
export function dueTimes({ beganAt, first, rate }: { readonly beganAt: number; readonly first: number; readonly rate: number }) {
  return (index: number): number => Math.floor(beganAt + ((index - first) * 1_000) / rate)
}

interface Output {
  readonly transport: Transport
  readonly topic: string
  readonly isolation: 'read-committed' | 'read-uncommitted'
}

/** What is read of one partition, each record with when. */
class OutputReading {
  readonly #at: number[] = []
  readonly #took: number[] = []
  #hasFirst: (value?: unknown) => void = () => undefined
  readonly first = new Promise((resolve) => (this.#hasFirst = resolve))

  async readUntil(ended: Promise<unknown>, { transport, topic, isolation }: Output): Promise<void> {
    await using source = await transport.openSource({ clientId: 'bench-latency', isolation }, context)
    await source.assign([{ topic, partition: 0, offset: 0 }])
    let over = false
    // Why it ended is told to who started it.
    ended.catch(() => undefined).finally(() => (over = true))
    while (!over) {
      const { batches } = await source.poll(POLL_MS)
      const now = Date.now()
      for (const batch of batches) {
        for (let i = 0; i < batch.length; i++) {
          const at = batch.timestamps[i] as number
          this.#at.push(at)
          this.#took.push(now - at)
        }
        batch.release()
        this.#hasFirst()
      }
    }
  }

  /** Of the records whose time is later than `warmUpMs` after that of the first one behind the beginning. */
  latency(rate: number, warmUpMs: number): Latency {
    const begin = this.#at.find((at) => at > (this.#at[0] as number)) ?? 0
    const counted = this.#took.filter((_, i) => (this.#at[i] as number) >= begin + warmUpMs)
    if (counted.length === 0) throw new Error('No output was read of what was written behind the warm-up.')
    return { rate, p50: quantile(counted, 0.5), p99: quantile(counted, 0.99), samples: counted.length }
  }
}
