import { defineKeyValueStore, type KeyValueStoreDefinition, type Transport } from '@millrace/core'
import { transportWith } from './transport-with.ts'
import { aroundWrites } from './around-writes.ts'

/** What a commit does, in this order, and what a pass does before it. `during`: it has been begun, and nobody knows how far it has got. */
export const steps = [
  'before-write',
  'after-write',
  'before-changelog',
  'after-changelog',
  'before-flush',
  'during-flush',
  'after-flush',
  'before-commit',
  'during-commit',
  'after-commit',
  'before-persist',
  'during-persist',
  'after-persist',
] as const
/** Those of a commit that is a transaction, too. */
export const transactionSteps = [...steps, 'before-offsets', 'during-offsets', 'after-offsets'] as const
export type Step = (typeof transactionSteps)[number]
type Action = 'write' | 'changelog' | 'flush' | 'offsets' | 'commit' | 'persist'

/** Told of every step, at once: it may stop or end the process. */
export type AtStep = (step: Step) => void

async function watched<T>(action: Action, at: AtStep, act: () => Promise<T>): Promise<T> {
  at(`before-${action}` as Step)
  const acting = act()
  if (action !== 'write' && action !== 'changelog') at(`during-${action}` as Step)
  const answer = await acting
  at(`after-${action}` as Step)
  return answer
}

/** The same transport, telling of writes of passes and to changelogs, of flushes, offset commits, and transactions. */
export function transportWithSteps(transport: Transport, at: AtStep): Transport {
  return transportWith(transport, {
    openSource: async (options, context) => {
      const source = await transport.openSource(options, context)
      const commit = source.commit.bind(source)
      source.commit = (offsets) => watched('commit', at, () => commit(offsets))
      return source
    },
    openWriter: async (options, context) => {
      const writer = await transport.openWriter(options, context)
      const write = writer.writeBatch.bind(writer)
      const flush = writer.flush.bind(writer)
      writer.writeBatch = (batch) => watched(batch.topic.endsWith('-changelog') ? 'changelog' : 'write', at, () => write(batch))
      writer.flush = () => watched('flush', at, () => flush())
      const [sendOffsets, commit] = [writer.sendOffsets.bind(writer), writer.commit.bind(writer)]
      writer.sendOffsets = (offsets, source) => watched('offsets', at, () => sendOffsets(offsets, source))
      writer.commit = () => watched('commit', at, () => commit())
      return writer
    },
  })
}

/** The same store, telling of what is written to it. */
export function storeWithSteps<K, V>(store: KeyValueStoreDefinition<K, V>, at: AtStep): KeyValueStoreDefinition<K, V> {
  const { name, key, value, access, changelog, open } = store
  return defineKeyValueStore({
    name,
    key,
    value,
    access,
    changelog,
    open: async (where) => aroundWrites(await open(where), (write) => watched('persist', at, write)),
  })
}
