import type { StoreOptions, StoreShape } from './store-definition.ts'

/** What a changelog is checked by: the options of any store, with the retention of one of windows. */
export type CheckedOptions = Pick<StoreOptions<unknown, unknown, 'sync' | 'async'>, 'name' | 'changelog'> & {
  readonly retentionMs?: number | undefined
}

/** Throws a `TypeError` for changelog options that exclude each other, and for settings by which state is lost. */
export function checkChangelog(shape: StoreShape, { name, changelog, retentionMs }: CheckedOptions): void {
  if (typeof changelog !== 'object' || changelog.settings === undefined) return
  const { settings, sourceTopic } = changelog
  if (sourceTopic !== undefined) {
    throw new TypeError(`Store '${name}': its changelog is topic '${sourceTopic}', whose settings are not the store's to make.`)
  }
  const refuse = (setting: string, because: string, then: string) => {
    throw new TypeError(`Store '${name}': its changelog can't have ${setting}=${settings[setting]}: ${because}. ${then}`)
  }
  const windows = shape === 'window' || shape === 'session'
  const policy = wordsOf(settings['cleanup.policy'])
  const own = windows ? ['compact', 'delete'] : ['compact']
  if (policy !== undefined && policy.join() !== own.join())
    refuse(
      'cleanup.policy',
      windows && !policy.includes('delete')
        ? 'what the store has let go of is never deleted'
        : 'the store is restored without entries that were not changed for long',
      `Say nothing of it (leave it out, it is ${own.join()}).`,
    )
  const timestamps = settings['message.timestamp.type']
  if (timestamps !== undefined && timestamps !== 'CreateTime')
    refuse(
      'message.timestamp.type',
      'the timestamps of entries are lost, for those at which brokers write them',
      'Say nothing of it (leave it out, it is CreateTime).',
    )
  if (!windows) return
  const early = 'it is deleted while the store still has it'
  const retention = settings['retention.ms']
  if (retention !== undefined && retention !== '-1' && !(Number(retention) >= (retentionMs ?? 0)))
    refuse('retention.ms', early, `Use at least ${retentionMs} (the store's retentionMs), or leave it out: then it is a day more.`)
  const bytes = settings['retention.bytes']
  if (bytes !== undefined && bytes !== '-1') refuse('retention.bytes', early, 'Say nothing of it (leave it out, it is -1).')
}

/** The words of a list, whose order and blanks mean nothing. */
function wordsOf(list: string | undefined): string[] | undefined {
  return list
    ?.split(',')
    .map((word) => word.trim())
    .toSorted()
}
