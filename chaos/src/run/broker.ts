/** A Kafka of our own, as far as this needs it. */
export interface OwnBroker {
  readonly brokers: string
  readonly nodes: readonly string[]
  kill(index: number): Promise<void>
  restart(index: number): Promise<void>
  stop(): Promise<void>
}

export type OpenBroker = (options: { readonly nodes: number; readonly say: (message: string) => void }) => Promise<OwnBroker>
