import type { Settings } from '../command-line/settings.ts'
import type { Written } from '../run/topics.ts'
import type { Counted, Numbered } from '../worker/topology.ts'

export interface Seen {
  readonly input: readonly Pick<Written<string | null, Numbered>, 'value'>[]
  /** By partition and offset. */
  readonly output: readonly Pick<Written<string, Counted>, 'key' | 'value'>[]
  readonly changelog: readonly Pick<Written<string, number>, 'key' | 'value'>[]
  /** Local state of all workers. */
  readonly states: ReadonlyMap<string, number>
}

/** What is wrong, one sentence a key at most. */
export function check(guarantee: Settings['guarantee'], seen: Seen): string[] {
  const truth = new Map<string, number>()
  for (const { value } of seen.input) truth.set(value.key, Math.max(truth.get(value.key) ?? 0, value.seq))
  const outputs = new Map<string, Counted[]>()
  for (const { key, value } of seen.output) {
    const known = outputs.get(key)
    if (known === undefined) outputs.set(key, [value])
    else known.push(value)
  }
  const changelog = new Map(seen.changelog.map(({ key, value }) => [key, value]))
  const strange = [...outputs.keys()].filter((key) => !truth.has(key)).map((key) => `${key}: put out, and never put in`)
  const wrong = [...truth].flatMap(([key, count]) => {
    const output = outputs.get(key) ?? []
    const state = { local: seen.states.get(key) ?? 0, changelog: changelog.get(key) ?? 0 }
    const problem = guarantee === 'exactly-once' ? notExact(output, count, state) : notAtLeast(output, count, state)
    return problem === undefined ? [] : `${key}: ${problem}`
  })
  return [...strange, ...wrong]
}

interface State {
  readonly local: number
  readonly changelog: number
}

/** Why the counts put out are not 1, 2, 3... `count`, or the state is not `count`. */
function notExact(output: readonly Counted[], count: number, { local, changelog }: State): string | undefined {
  const at = output.findIndex((one, i) => one.count !== i + 1)
  if (at !== -1) return `its output ${at + 1} of ${output.length} has the count ${output[at]?.count}`
  if (output.length !== count) return `${output.length} records were put out for ${count}`
  if (local !== count) return `its local state is ${local} instead of ${count}`
  return changelog === count ? undefined : `its changelog says ${changelog} instead of ${count}`
}

/** Why some of `count` inputs are missing, or the counts don't ascend where repeats are left out, or the state is less than `count`. */
function notAtLeast(output: readonly Counted[], count: number, { local, changelog }: State): string | undefined {
  const reflected = new Set(output.map(({ seq }) => seq))
  for (let seq = 1; seq <= count; seq++) if (!reflected.has(seq)) return `input ${seq} of ${count} is not reflected`
  const distinct = withoutRepeats(output)
  const at = distinct.findIndex((one, i) => i > 0 && one.count <= (distinct[i - 1] as Counted).count)
  if (at !== -1) return `after the count ${distinct[at - 1]?.count} came ${distinct[at]?.count}`
  if (local < count) return `its local state is ${local}, less than ${count}`
  return changelog < count ? `its changelog says ${changelog}, less than ${count}` : undefined
}

/** Of what several epochs of a task made of the same record, what the last of them did. */
function withoutRepeats(output: readonly Counted[]): Counted[] {
  const origin = ({ task, offset }: Counted) => `${task} ${offset}`
  const last = new Map<string, number>()
  for (const one of output) last.set(origin(one), Math.max(last.get(origin(one)) ?? 0, one.epoch))
  return output.filter((one) => last.get(origin(one)) === one.epoch)
}
