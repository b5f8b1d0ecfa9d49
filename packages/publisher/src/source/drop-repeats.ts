import {
  type KeyValueStoreDefinition,
  numberProblem,
  type Processor,
  type ProcessorContext,
  type StreamRecord,
  wrongOptions,
} from '@millrace/core'
import type { ReceivedEvent } from './decode-events.ts'

const COUNT = 'count'

/** What is remembered of events. */
export interface DropRepeatsOptions {
  /** So many of the last ids are remembered for each partition. Default: 100,000. */
  readonly remember?: number | undefined
}

/**
 * A supplier of a processor that lets each event through once, by its id: what a publisher sent twice is there twice. It remembers the last ids in `store`, which is
 * committed with everything else, so that it holds over restarts and rebalances. Events without an id all pass. Throws a `TypeError` for a wrong `remember`.
 *
 * ```ts
 * import { serdes, TopologyBuilder } from 'millrace'
 * import { leveldb } from 'millrace/leveldb'
 * import { dropRepeats, eventSource } from 'millrace/publisher'
 *
 * const seen = leveldb.keyValueStore({ name: 'seen', key: serdes.string, value: serdes.string })
 *
 * const builder = new TopologyBuilder('orders')
 * eventSource(builder, 'orders', { topics: ['orders'] }).process('once', dropRepeats(seen))
 * ```
 */
export function dropRepeats<K, Event extends ReceivedEvent>(
  store: KeyValueStoreDefinition<string, string>,
  { remember = 100_000 }: DropRepeatsOptions = {},
): { readonly create: () => Processor<K, Event>; readonly stores: readonly KeyValueStoreDefinition<string, string>[] } {
  const problem = numberProblem('remember', remember, { min: 1 })
  if (problem !== undefined) throw wrongOptions("Repeats can't be dropped", [problem])
  return { create: () => new DropRepeats<K, Event>(store, remember), stores: [store] }
}

class DropRepeats<K, Event extends ReceivedEvent> implements Processor<K, Event> {
  readonly #definition: KeyValueStoreDefinition<string, string>
  readonly #remember: number

  constructor(definition: KeyValueStoreDefinition<string, string>, remember: number) {
    this.#definition = definition
    this.#remember = remember
  }

  process(record: StreamRecord<K, Event>, context: ProcessorContext<K, Event>): void {
    const { id } = record.value
    if (id !== undefined) {
      const store = context.store(this.#definition)
      if (store.get(`id ${id}`) !== undefined) return
      // A ring: the place of the oldest id is the newest one's.
      const count = Number(store.get(COUNT) ?? 0)
      const place = `place ${count % this.#remember}`
      const oldest = store.get(place)
      if (oldest !== undefined) store.delete(`id ${oldest}`)
      store.set(place, id)
      store.set(`id ${id}`, '')
      store.set(COUNT, String(count + 1))
    }
    context.forward(record)
  }
}
