import { fileURLToPath } from 'node:url'
import type { ProgramConfig } from './program-config.ts'

/** In the order in which they are shown. */
export const PROGRAM_NAMES = [
  'millrace',
  'millrace-packed',
  'millrace-single',
  'millrace-memory',
  'millrace-threads',
  'kafka-streams',
  'by-hand',
  'by-hand-packed',
  'kafkajs-batch',
  'kafkajs-message',
  'bare-read',
] as const

export type ProgramName = (typeof PROGRAM_NAMES)[number]

export interface Program {
  readonly name: ProgramName
  /** For people. */
  readonly title: string
  /** Whether it makes the topic of its changelog itself. */
  readonly changelog: 'makes' | 'needs' | 'has-none'
  /** Whether it says what its store holds. */
  readonly hasState: boolean
  /** What is started, with what arguments. */
  command(config: ProgramConfig): { readonly file: string; readonly args: readonly string[] }
}

export interface JavaOptions {
  /** What `java` is given to run the Kafka Streams application, up to its own arguments. */
  readonly streamsApp: readonly string[]
  readonly heapMb: number
}

export function programsOf(java: JavaOptions): ReadonlyMap<ProgramName, Program> {
  const programs: Program[] = [
    node('millrace', 'Millrace, batches', 'makes'),
    node('millrace-single', 'Millrace, single records', 'makes'),
    kafkaStreams(java),
    node('millrace-memory', 'Millrace, store in memory', 'makes'),
    node('millrace-packed', 'Millrace, own client', 'makes'),
    node('millrace-threads', 'Millrace, own client, two threads', 'makes'),
    node('by-hand', 'by hand, same client', 'needs'),
    node('by-hand-packed', 'by hand, own client', 'needs'),
    node('kafkajs-batch', 'by hand, kafkajs eachBatch', 'needs'),
    node('kafkajs-message', 'per message, kafkajs', 'has-none'),
    { ...node('bare-read', 'a bare read, same client', 'has-none'), hasState: false },
  ]
  return new Map(programs.map((program) => [program.name, program]))
}

/** Millrace with so many megabytes for what lives long in the heap of V8. */
export function millraceIn(heapMb: number): Program {
  return node('millrace', 'Millrace, batches', 'makes', [`--max-old-space-size=${heapMb}`])
}

function node(name: ProgramName, title: string, changelog: Program['changelog'], flags: readonly string[] = []): Program {
  const file = fileURLToPath(new URL(`${name}.js`, import.meta.url))
  return {
    name,
    title,
    changelog,
    hasState: true,
    command: (config) => ({ file: process.execPath, args: [...flags, file, JSON.stringify(config)] }),
  }
}

/** In a heap of its own size, without which it ends at once, instead of with one thread less. */
export function kafkaStreams({ streamsApp, heapMb }: JavaOptions): Program {
  return {
    name: 'kafka-streams',
    title: 'Kafka Streams',
    changelog: 'makes',
    hasState: true,
    command: (config) => {
      const given = {
        brokers: config.brokers,
        'application-id': config.applicationId,
        'state-dir': config.stateDir,
        input: config.input,
        output: config.output,
        work: config.work,
        guarantee: config.guarantee,
        'commit-ms': config.commitIntervalMs,
        records: config.records,
        partitions: config.partitions,
        'state-file': config.stateFile,
      }
      const args = Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)])
      return { file: 'java', args: [`-Xmx${heapMb}m`, '-XX:+ExitOnOutOfMemoryError', ...streamsApp, ...args] }
    },
  }
}
