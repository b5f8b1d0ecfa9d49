import type { ProcessingGuarantee } from 'millrace'

/** What the command line asks for, checked, with every default. */
export interface Settings {
  /** Text to count. Absent: the bundled one on the embedded log, what the input topic holds on Kafka. */
  readonly file: string | undefined
  /** `host:port` of Kafka's brokers, separated by commas. Absent: the embedded log. */
  readonly brokers: string | undefined
  readonly applicationId: string
  readonly inputTopic: string
  readonly outputTopic: string
  /** Partitions of topics that have to be created; of the others it is only checked if it was asked for. */
  readonly partitions: number
  readonly partitionsGiven: boolean
  /** Absent: a temporary folder on the embedded log, `./state` on Kafka. */
  readonly stateDir: string | undefined
  /** Records in a batch, at most. */
  readonly batchSize: number
  /** Milliseconds that the first record of a batch waits for company. */
  readonly batchTimeoutMs: number
  readonly processingGuarantee: ProcessingGuarantee
  readonly untilCaughtUp: boolean
  readonly single: boolean
  readonly json: boolean
  readonly verbose: boolean
}
