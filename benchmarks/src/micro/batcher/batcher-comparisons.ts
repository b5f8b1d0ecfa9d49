import { createBatcher, type BatcherOptions } from '@millrace/core'
import type { Comparison, Contender, Opened } from '../../harness/comparison.ts'
import { textOf } from '../texts.ts'

const ITEMS = 20_000
const ITEM = textOf(100, 1)

/** Gathering items in batches for a function that does nothing: `createBatcher`, beside an array and a call when it is full. */
export function batcherComparisons(): Comparison[] {
  return [1, 100, 1_000].map((size) => ({
    name: `batcher, batches of ${size}`,
    baseline: {
      ...about(
        'by hand',
        'Items are pushed to an array; a full one is given to a function that is awaited. No timeout, no retries, no bound.',
      ),
      open: () => byHand(size),
    },
    others: [
      {
        ...about('append, awaited', 'createBatcher with each append awaited, and flush at the end.'),
        open: () => byBatcher(size, {}),
      },
      {
        ...about('append, awaited, with sizes', 'The same with a sizeOf that tells the bytes of each item.'),
        open: () => byBatcher(size, { sizeOf: (item) => item.length }),
      },
    ],
  }))
}

function about(name: string, says: string): Pick<Contender, 'name' | 'says' | 'records'> {
  return { name, says, records: ITEMS }
}

function byHand(size: number): Opened {
  const counts = counting()
  return {
    async work() {
      let items: string[] = []
      for (let i = 0; i < ITEMS; i++) {
        items.push(ITEM)
        if (items.length < size) continue
        await counts.process(items)
        items = []
      }
      counts.check(size)
    },
  }
}

function byBatcher(size: number, options: BatcherOptions<string>): Opened {
  const counts = counting()
  const batcher = createBatcher<string>({ size }, counts.process, options)
  return {
    async work() {
      for (let i = 0; i < ITEMS; i++) await batcher.append(ITEM)
      await batcher.flush()
      counts.check(size)
    },
    close: () => batcher.close(),
  }
}

function counting() {
  let items = 0
  let batches = 0
  return {
    process: async (batch: readonly string[]): Promise<void> => {
      items += batch.length
      batches++
    },
    /** Of the run that has ended. */
    check(size: number): void {
      if (items !== ITEMS || batches !== Math.ceil(ITEMS / size)) throw new Error(`${items} items came in ${batches} batches of ${size}.`)
      items = 0
      batches = 0
    },
  }
}
