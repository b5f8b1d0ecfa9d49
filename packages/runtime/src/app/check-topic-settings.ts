import { type Logger, MillraceError, type TransportAdmin } from '@millrace/core'
import type { InternalTopic } from './internal-topics.ts'
import type { SettingsMemory } from './settings-memory.ts'

type Settings = Readonly<Record<string, string>>

const POLICY = 'cleanup.policy'
const TIMESTAMPS = 'message.timestamp.type'
const DELETIONS = 'delete.retention.ms'
/** What a policy that deletes goes by. -1: never. */
const LIMITS = ['retention.ms', 'retention.bytes'] as const
/** Kafka's default of `delete.retention.ms`. */
const KAFKA_DELETIONS_MS = 86_400_000
const LOSS = { repartition: 'before they are processed', changelog: 'while the store still has them' } as const

/**
 * Compares the settings of internal topics that exist with those they would be created with. Resolves to how long compaction leaves deletions in
 * changelogs, in milliseconds: as they are, or are to be where they don't exist or can't be asked. Rejects with a `MillraceError` `TOPIC_SETTINGS`
 * where what is wanted of them can't be kept; what may go well is logged, and so is once, why nothing could be compared.
 */
export async function checkTopicSettings(
  topics: readonly InternalTopic[],
  { admin, logger, memory }: { readonly admin: TransportAdmin; readonly logger: Logger; readonly memory: SettingsMemory },
): Promise<ReadonlyMap<string, number>> {
  const deletionRetentions = new Map<string, number>()
  for (const { topic, config } of topics) keepRetention(deletionRetentions, topic, config)
  const existing = topics.filter(({ exists }) => exists)
  // Whoever has made them, until they are known.
  for (const { topic } of existing.filter(({ kind }) => kind !== 'repartition'))
    deletionRetentions.set(topic, Math.min(KAFKA_DELETIONS_MS, deletionRetentions.get(topic) ?? KAFKA_DELETIONS_MS))
  if (existing.length === 0 || admin.topicSettings === undefined) return deletionRetentions
  const known = await memory.recall(existing.map(({ topic }) => topic))
  const names = existing.flatMap(({ topic }) => (known.has(topic) ? [] : topic))
  const { byTopic, unknownBecause } = names.length === 0 ? { byTopic: new Map<string, Settings>() } : await admin.topicSettings(names)
  if (unknownBecause !== undefined) {
    const message = `Settings of topics can't be read: ${unknownBecause}. Those of internal topics that exist are not checked.`
    logger.warn({ topics: names }, message)
  }
  const problems: { readonly topic: string; readonly message: string }[] = []
  for (const wanted of existing) {
    const settings = known.get(wanted.topic) ?? byTopic.get(wanted.topic)
    if (settings === undefined) continue
    problems.push(...problemsOf(wanted, settings).map((message) => ({ topic: wanted.topic, message })))
    for (const message of doubtsOf(wanted, settings)) logger.warn({ topic: wanted.topic }, message)
    if (wanted.kind !== 'repartition') keepRetention(deletionRetentions, wanted.topic, settings)
  }
  const [first] = problems
  if (first === undefined) {
    await memory.note(byTopic)
    return deletionRetentions
  }
  throw new MillraceError('TOPIC_SETTINGS', problems.map(({ message }) => message).join('\n'), { stage: 'store', topic: first.topic })
}

function keepRetention(retentions: Map<string, number>, topic: string, settings: Settings): void {
  const retention = Number(settings[DELETIONS])
  if (DELETIONS in settings && Number.isFinite(retention)) retentions.set(topic, retention)
}

function problemsOf({ topic, kind, config }: InternalTopic, settings: Settings): string[] {
  return [POLICY, TIMESTAMPS].flatMap((name) => {
    const [actual, wanted] = [settings[name], config[name]]
    if (actual === undefined || wanted === undefined || sameWords(actual, wanted)) return []
    return [
      `The ${kind} topic '${topic}' has ${name}=${actual} and needs ${wanted}: ${consequence(name, kind, actual)}. ` +
        `Set it (kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config ${name}=${wanted.includes(',') ? `[${wanted}]` : wanted}), ` +
        `or stop the application everywhere, delete the topic and let it be created anew, which loses what is in it.`,
    ]
  })
}

function consequence(name: string, kind: InternalTopic['kind'], actual: string): string {
  if (name === TIMESTAMPS) return 'its records would have the time at which they are written in place of their own'
  if (kind === 'repartition') return 'compaction drops records before they are processed'
  return words(actual).includes('delete')
    ? 'entries that are not changed for long are deleted, and missing after a restore'
    : 'what the store has let go of is never deleted'
}

/** What may go well, and be noticed only when it has not. */
function doubtsOf({ topic, kind, config }: InternalTopic, settings: Settings): string[] {
  const policy = kind === 'table' ? settings[POLICY] : config[POLICY]
  if (!words(policy ?? '').includes('delete')) return []
  return LIMITS.flatMap((name) => {
    const [actual, wanted = '-1'] = [settings[name], config[name]]
    if (actual === undefined || atLeast(Number(actual), Number(wanted))) return []
    return kind === 'table'
      ? [`Topic '${topic}', from which a store is restored, has ${name}=${actual}: entries that are not changed for long are missing then.`]
      : [`The ${kind} topic '${topic}' has ${name}=${actual} in place of ${wanted}: records may be deleted ${LOSS[kind]}.`]
  })
}

function atLeast(actual: number, wanted: number): boolean {
  return actual === -1 || (wanted !== -1 && actual >= wanted)
}

/** Order and blanks of a list mean nothing. */
function sameWords(one: string, other: string): boolean {
  return words(one).toSorted().join() === words(other).toSorted().join()
}

function words(list: string): string[] {
  return list.split(',').map((word) => word.trim())
}
