import type {
  CircuitState,
  CommitUrgency,
  OffsetCommit,
  OpenOutsideSink,
  OutsideSink,
  OutsideSinkContext,
  RecordBatch,
  StagedRecord,
  StartingPartition,
  TopicPartition,
} from '@millrace/core'

/** A sink of the tests, outside of the log: it keeps what it is handed, and says that it is stored when it is told to. */
export class HeldSink implements OutsideSink<string, number> {
  readonly accepted: StagedRecord[] = []
  readonly assigned: StartingPartition[] = []
  readonly revoked: TopicPartition[] = []
  readonly flushes: boolean[] = []
  context: OutsideSinkContext | undefined
  closed = 0
  /** Its circuit breakers. */
  readonly circuits = new Map<string, CircuitState>()
  /** What storing waits for, or fails with. */
  stored: () => Promise<void> = async () => undefined
  /** Offsets from this on are not stored. */
  storedBelow = Infinity
  /** After so many records there is no room. */
  most = Infinity
  #wake: () => void = () => undefined

  readonly open = async (context: OutsideSinkContext): Promise<OpenOutsideSink<string, number>> => {
    this.context = context
    const isFull = () => this.accepted.length >= this.most
    return {
      name: context.node,
      circuits: this.circuits,
      assign: async (partitions) => void this.assigned.push(...partitions),
      revoke: (partitions) => void this.revoked.push(...partitions),
      stage: (batch: RecordBatch<string, number>) => batch.values,
      accept: (records) => void this.accepted.push(...records),
      prepare: async (offsets: readonly OffsetCommit[], { flush }: CommitUrgency) => {
        this.flushes.push(flush)
        await this.stored()
        return offsets.map((at) => ({ ...at, offset: Math.min(at.offset, this.storedBelow) }))
      },
      full: isFull,
      room: () =>
        new Promise((resolve) => {
          this.#wake = resolve
        }),
      close: async () => void this.closed++,
    }
  }

  /** There is room again. */
  makeRoom(most: number): void {
    this.most = most
    this.#wake()
  }

  get values(): unknown[] {
    return this.accepted.map(({ staged }) => staged)
  }
}
