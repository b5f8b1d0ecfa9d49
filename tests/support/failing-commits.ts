import { memory, type MemoryTransport } from 'millrace/memory'

/** An embedded log of whose next `count` commits that move offsets every other fails, beginning with the first: what sinks have stored is read again then. */
export function logWhoseCommitsFail(count: number): MemoryTransport {
  let left = count
  return memory({
    faults: {
      before: (operation) => {
        const moves = operation.type === 'commit' && operation.offsets.some(({ offset }) => offset > 0)
        if (moves && left > 0 && left-- % 2 === 1) throw new Error('the commit of the log fails')
      },
    },
  })
}
