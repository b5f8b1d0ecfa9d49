/** What is done to a run: workers killed, closed in order, stopped for longer than their session, or killed and robbed of their state; brokers restarted. */
export const FAULTS = ['kill', 'close', 'pause', 'state', 'broker'] as const
export type Fault = (typeof FAULTS)[number]

export const GUARANTEES = ['exactly-once', 'at-least-once'] as const
export const CLIENTS = ['confluent', 'packed'] as const
export const PROTOCOLS = ['classic', 'consumer'] as const

export interface Settings {
  readonly guarantee: (typeof GUARANTEES)[number]
  /** How long faults go on. */
  readonly seconds: number
  readonly workers: number
  /** The same seed gives the same faults at the same times. */
  readonly seed: number
  readonly faults: readonly Fault[]
  /** Addresses of a broker that runs; none: one is started. */
  readonly brokers: string | undefined
  /** How many brokers are started; those that are restarted are chosen at random. */
  readonly nodes: number
  /** Undefined: the one that Millrace chooses by itself. */
  readonly client: (typeof CLIENTS)[number] | undefined
  readonly groupProtocol: (typeof PROTOCOLS)[number]
  readonly partitions: number
  readonly keys: number
  /** Input records a second. */
  readonly rate: number
  /** A file for the result. */
  readonly json: string | undefined
  /** A file for the logs of all workers. */
  readonly log: string | undefined
}
