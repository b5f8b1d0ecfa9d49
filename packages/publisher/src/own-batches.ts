import { type BatchOptions, type BatchPolicy, definedOnly, isObject, resolveBatchPolicy } from '@millrace/core'
import { type BatchConfig, soundOf } from './batch-config.ts'

/** What some of the events, those of a type for example, have of their own. */
type Owners = Readonly<Record<string, { readonly batch?: BatchOptions | undefined }>>

/** What a type says of its batches counts more than the environment, which speaks of batches in general. */
export function policiesOf(owners: Owners, batch: BatchOptions, { size, timeoutMs, maxSize }: BatchConfig): Map<string, BatchPolicy> {
  const own = new Map<string, BatchPolicy>()
  for (const [name, { batch: given }] of Object.entries(owners)) {
    if (given === undefined) continue
    const base = { maxBytes: 900_000, ...definedOnly(batch), size, timeoutMs, maxSize }
    own.set(name, resolveBatchPolicy([base, given]))
  }
  return own
}

/**
 * Where batches of their own contradict themselves or the common ones: the common maximum bounds them all. Nothing is said of what is wrong by itself, or of the
 * common maximum where `commonMax` is undefined. `group`: the option that has them.
 */
export function ownBatchProblems(group: string, owners: Owners, commonMax: number | undefined): string[] {
  return Object.entries(isObject(owners) ? owners : {}).flatMap(([owner, definition]) => {
    const given = isObject(definition) && isObject(definition.batch) ? definition.batch : {}
    return problemsOf(`${group}['${owner}'].batch`, given, commonMax)
  })
}

function problemsOf(name: string, given: BatchOptions, commonMax: number | undefined): string[] {
  const sound = soundOf(given)
  const { size, minSize = 0, maxSize = given.maxSize === undefined ? commonMax : undefined, preset } = sound
  if (maxSize === undefined) return []
  const problems: string[] = []
  const isOwn = given.maxSize !== undefined
  if (commonMax !== undefined && maxSize > commonMax)
    problems.push(`${name}.maxSize is ${maxSize} and the maximum of a flush is ${commonMax}; use at most that, or raise batch.maxSize.`)
  const whose = isOwn ? `${name}.maxSize is ${maxSize}` : `the maximum of a flush is ${maxSize}`
  const raise = isOwn ? `${name}.maxSize` : 'batch.maxSize'
  const above = (what: string, option: string, value: number) =>
    `${what} is ${value} and ${whose}; use a ${option} of at most the maximum, or raise ${raise}.`
  if (size !== undefined && size > maxSize) problems.push(above(`${name}.size`, 'size', size))
  // A strategy without a size, or with one that finds itself, has the maximum for its bound.
  const { size: presetSize, adaptive } = resolveBatchPolicy([sound])
  const countsPreset = size === undefined && preset !== undefined && !adaptive && presetSize !== Infinity
  if (countsPreset && presetSize > maxSize) problems.push(above(`the size of ${name}.preset '${preset}'`, 'size', presetSize))
  // Of two of its own that contradict each other it is said where they are.
  if (minSize > maxSize && !isOwn) problems.push(above(`${name}.minSize`, 'minSize', minSize))
  return problems
}
