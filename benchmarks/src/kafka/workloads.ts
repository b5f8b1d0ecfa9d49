import type { InputShape } from './input/input-shape.ts'
import type { Work } from './programs/program-config.ts'
import type { ProgramName } from './programs/programs.ts'

/** Something to be done, and who does it. */
export interface Workload {
  readonly name: string
  /** For people. */
  readonly title: string
  readonly work: Work
  readonly guarantee: 'at-least-once' | 'exactly-once'
  readonly commitIntervalMs: number
  readonly shape: InputShape
  /** Through a network that takes its time. */
  readonly distant: boolean
  readonly programs: readonly ProgramName[]
}

export interface WorkloadSizes extends InputShape {
  /** Left out, to save time: who is not needed for a bound. */
  readonly short: boolean
}

const EVERY_SECOND = 1_000
const EXACTLY_ONCE_MS = 100
const SMALL = [1_000, 10_000]
const GROWTH = 10
/** Of what is restored where it is to be small. */
const COUNT_BYTES = 8
/** What is far away takes its time. */
const DISTANT_SHARE = 10
/** What keeps a core busy takes its time, too. */
const BUSY_SHARE = 10
const FEWER = 5
/** What a proxy adds to every packet, each way. */
export const DISTANCE_MS = 5

const COUNTING: readonly ProgramName[] = [
  'millrace',
  'millrace-packed',
  'millrace-single',
  'kafka-streams',
  'by-hand',
  'by-hand-packed',
  'kafkajs-batch',
  'kafkajs-message',
]
const FEW: readonly ProgramName[] = ['millrace', 'millrace-packed', 'kafka-streams']

/** Everything that is compared by its throughput, in the order in which it is shown. */
export function workloads({ short, ...shape }: WorkloadSizes): readonly Workload[] {
  const count: Omit<Workload, 'name' | 'title'> = {
    work: 'count',
    guarantee: 'at-least-once',
    commitIntervalMs: EVERY_SECOND,
    shape,
    distant: false,
    programs: COUNTING,
  }
  const few = (programs: readonly ProgramName[]) => (short ? FEW : programs)
  const all: Workload[] = [
    { ...count, name: 'a', title: 'count per key, an output a record' },
    {
      ...count,
      name: 'b',
      title: 'count per key, an output a key and batch (Kafka Streams: its cache)',
      work: 'count-last',
      programs: few(['millrace', 'millrace-packed', 'kafka-streams', 'by-hand', 'by-hand-packed', 'kafkajs-batch']),
    },
    {
      ...count,
      name: 'c',
      title: `count per key, exactly once, commits every ${EXACTLY_ONCE_MS} ms`,
      guarantee: 'exactly-once',
      commitIntervalMs: EXACTLY_ONCE_MS,
      programs: few(['millrace', 'millrace-packed', 'millrace-single', 'kafka-streams', 'by-hand', 'by-hand-packed', 'kafkajs-batch']),
    },
    { ...count, name: 'd', title: 'map and filter, no state', work: 'map', programs: few(COUNTING) },
    {
      ...count,
      name: 'e',
      title: 'restore, a record a key',
      work: 'restore',
      shape: { ...shape, keys: shape.records, valueBytes: COUNT_BYTES },
      programs: short
        ? ['millrace', 'kafka-streams', 'bare-read']
        : ['millrace', 'millrace-memory', 'kafka-streams', 'by-hand', 'bare-read'],
    },
    ...SMALL.filter((records) => !short && records <= shape.records).map((records): Workload => ({
      ...count,
      name: `f-${records}`,
      title: `as (a), ${records} records`,
      shape: { ...shape, records },
    })),
    {
      ...count,
      name: 'f-distant',
      title: `as (a), with ${DISTANCE_MS} ms to the broker and ${DISTANCE_MS} ms back, a tenth of the records`,
      shape: { ...shape, records: Math.ceil(shape.records / DISTANT_SHARE) },
      distant: true,
      programs: few(COUNTING),
    },
  ]
  if (short) return all
  const grown = (name: string, what: string, bigger: Partial<InputShape>): Workload => ({
    ...count,
    name: `a-${name}`,
    title: `as (a), ${GROWTH} times the ${what}`,
    shape: { ...shape, ...bigger },
    programs: ['millrace', 'kafka-streams', 'by-hand'],
  })
  const busy: Workload = {
    ...count,
    name: 'g',
    title: 'as (d), with some 50 us of JavaScript a record, a tenth of the records',
    work: 'busy-map',
    shape: { ...shape, records: Math.ceil(shape.records / BUSY_SHARE) },
    programs: ['millrace-packed', 'millrace-threads'],
  }
  const fewer = Math.ceil(shape.records / FEWER)
  const large: Workload = {
    ...count,
    name: 'e-values',
    title: `restore of values of ${shape.valueBytes * GROWTH} bytes, a fifth of the keys`,
    work: 'restore',
    shape: { ...shape, records: fewer, keys: fewer, valueBytes: shape.valueBytes * GROWTH },
    programs: ['millrace', 'kafka-streams', 'by-hand', 'bare-read'],
  }
  return [
    ...all,
    large,
    busy,
    grown('keys', 'keys', { keys: shape.keys * GROWTH }),
    grown('partitions', 'partitions', { partitions: shape.partitions * GROWTH }),
    grown('values', 'value size', { valueBytes: shape.valueBytes * GROWTH }),
  ]
}

/** Who takes a record at a time would take hours for what the others do in seconds: it gets so many. */
const PER_MESSAGE_RECORDS = 20_000
const DISTANT_PER_MESSAGE_RECORDS = 1_000

/** What a program is given to do. */
export function shapeFor(program: ProgramName, { shape, distant }: Workload): InputShape {
  if (program !== 'kafkajs-message') return shape
  return { ...shape, records: Math.min(shape.records, distant ? DISTANT_PER_MESSAGE_RECORDS : PER_MESSAGE_RECORDS) }
}
