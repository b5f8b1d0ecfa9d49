import { partitionKey, type RebalanceListener, type StartPosition, type TopicPartition } from '@millrace/core'

/** A promise that somebody else resolves. */
export class Gate {
  #open: () => void = () => {}
  readonly passed = new Promise<void>((resolve) => {
    this.#open = resolve
  })

  open(): void {
    this.#open()
  }
}

export interface Hooks {
  readonly onAssigned?: (partitions: readonly TopicPartition[]) => Promise<void>
  readonly onRevoked?: (partitions: readonly TopicPartition[]) => Promise<void>
  readonly onLost?: (partitions: readonly TopicPartition[]) => Promise<void>
}

/** Notes every call as a line, such as `a + lines 0, lines 1`; begins at offset 0. */
export function notingListener(name: string, notes: string[], hooks: Hooks = {}): RebalanceListener {
  const note = (sign: string, partitions: readonly TopicPartition[]) =>
    notes.push(`${name} ${sign} ${partitions.map((at) => partitionKey(at.topic, at.partition)).join(', ')}`.trim())
  return {
    async onAssigned(partitions): Promise<readonly StartPosition[]> {
      note('+', partitions)
      await hooks.onAssigned?.(partitions)
      return partitions.map((at) => ({ ...at, offset: 0 }))
    },
    async onRevoked(partitions) {
      note('-', partitions)
      await hooks.onRevoked?.(partitions)
    },
    async onLost(partitions) {
      note('lost', partitions)
      await hooks.onLost?.(partitions)
    },
  }
}

/** Lets everything happen that needs no more than a few turns of the event loop. */
export async function settle(turns = 10): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}
