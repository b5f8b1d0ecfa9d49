import type { Written } from './log-client.ts'
import type { Trace, TracedCount } from './traced-word-count.ts'

type Counted = Pick<Written<string, TracedCount>, 'key' | 'value'>

/** What each word's counts are, in the order they were written, each the first time only. */
function withoutRepeats(output: readonly Counted[]): Map<string, number[]> {
  const counts = new Map<string, Set<number>>()
  for (const { key, value } of output) {
    const known = counts.get(key)
    if (known === undefined) counts.set(key, new Set([value.count]))
    else known.add(value.count)
  }
  return new Map([...counts].map(([word, distinct]) => [word, [...distinct]]))
}

/** Words whose counts, repeats removed, don't ascend. */
export function unorderedWords(output: readonly Counted[]): string[] {
  return [...withoutRepeats(output)].flatMap(([word, counts]) =>
    counts.every((count, i) => i === 0 || count > (counts[i - 1] as number)) ? [] : [`${word}: ${counts.join(' ')}`],
  )
}

/** Words whose count is not that of the records they came from, each counted once however often it was put out. */
export function miscountedWords(output: readonly Counted[]): string[] {
  const counted = new Map<string, { readonly records: Set<string>; highest: number }>()
  for (const { key, value } of output) {
    const word = counted.get(key) ?? { records: new Set(), highest: 0 }
    word.records.add(`${value.task} ${value.offset}`)
    word.highest = Math.max(word.highest, value.count)
    counted.set(key, word)
  }
  return [...counted].flatMap(([key, { records, highest }]) =>
    records.size === highest ? [] : [`${key}: ${highest}, of ${records.size} records`],
  )
}

/** Words whose last count is less than the true one. */
export function lostWords(output: readonly Counted[], trueCounts: ReadonlyMap<string, number>): string[] {
  const last = new Map(output.map(({ key, value }) => [key, value.count]))
  return [...trueCounts].flatMap(([word, count]) =>
    (last.get(word) ?? 0) >= count ? [] : [`${word}: ${last.get(word) ?? 0} instead of ${count}`],
  )
}

/** Words whose state is less than the true count. */
export function lostState(
  changelog: readonly Pick<Written<string, number>, 'key' | 'value'>[],
  trueCounts: ReadonlyMap<string, number>,
): string[] {
  const state = new Map(changelog.map(({ key, value }) => [key, value]))
  return [...trueCounts].flatMap(([word, count]) =>
    (state.get(word) ?? 0) >= count ? [] : [`${word}: ${state.get(word)} in state instead of ${count}`],
  )
}

/** Words whose state is not what was last written out for them. */
export function strayState(changelog: readonly Written<string, number>[], output: readonly Counted[]): string[] {
  const state = new Map(changelog.map(({ key, value }) => [key, value]))
  const last = new Map(output.map(({ key, value }) => [key, value.count]))
  return [...last].flatMap(([word, count]) => (state.get(word) === count ? [] : [`${word}: ${state.get(word)} in state, ${count} put out`]))
}

/** Keys whose state was once set back: somebody wrote it who no longer had the right to. */
export function descents(changelog: readonly Written<string, number>[]): string[] {
  const last = new Map<string, number>()
  return changelog.flatMap(({ key, value, partition, offset }) => {
    const before = last.get(key) ?? 0
    last.set(key, value)
    return value < before ? [`${key}: from ${before} to ${value} at ${partition}:${offset}`] : []
  })
}

type Traced = Pick<Written<string, Trace>, 'key' | 'value' | 'partition' | 'offset'>

/** What an earlier epoch of a task wrote after a later one. */
function fromEarlierEpochs(records: readonly Traced[]): { readonly record: Traced; readonly newest: number }[] {
  const newest = new Map<string, number>()
  return records.flatMap((record) => {
    const writer = `${record.value.task} in ${record.partition}`
    const epoch = Math.max(newest.get(writer) ?? 0, record.value.epoch)
    newest.set(writer, epoch)
    return record.value.epoch < epoch ? [{ record, newest: epoch }] : []
  })
}

const written = ({ value, partition, offset }: Traced) => `${value.task} in ${partition} at ${offset}: epoch ${value.epoch}`

/** Records that an earlier epoch of a task wrote after a later one. */
export function zombieRecords(records: readonly Traced[]): string[] {
  return fromEarlierEpochs(records).map(({ record, newest }) => `${written(record)} after ${newest}`)
}

/** What a record was made of. */
const originOf = ({ key, value: { task, offset } }: Traced) => `${key} of ${task} from ${offset}`

function newestEpochs(records: readonly Traced[]): Map<string, number> {
  const newest = new Map<string, number>()
  for (const record of records) newest.set(originOf(record), Math.max(newest.get(originOf(record)) ?? 0, record.value.epoch))
  return newest
}

/** Of what several epochs of a task made of the same input, what the last of them did. */
export function ofLastEpochs<R extends Traced>(records: readonly R[]): R[] {
  const newest = newestEpochs(records)
  return records.filter((record) => newest.get(originOf(record)) === record.value.epoch)
}

/** Those of them that don't repeat what a later epoch has made of the same input. */
export function zombieRecordsOfTheirOwn(records: readonly Traced[]): string[] {
  const newest = newestEpochs(records)
  return fromEarlierEpochs(records).flatMap(({ record }) =>
    (newest.get(originOf(record)) as number) > record.value.epoch ? [] : [`${written(record)}, ${originOf(record)}`],
  )
}
