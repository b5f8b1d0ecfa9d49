import type { MemoryOperation } from '@millrace/transport-memory'

/** Throws `error` for the first `times` sends to a topic. */
export function failing(topic: string, times: number, error: () => Error, when: 'before' | 'after' = 'before') {
  let left = times
  return {
    [when]: (operation: MemoryOperation) => {
      if (operation.type === 'send' && operation.topic === topic && left-- > 0) throw error()
    },
  }
}
