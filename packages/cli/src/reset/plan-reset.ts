import type { TopicDescription, TransportAdmin } from '@millrace/core'
import { applicationTopics, localState } from '@millrace/runtime'
import { NotFoundError, UsageError } from '../command-line/errors.ts'
import type { Target } from '../load/target.ts'
import { newOffsets, type OffsetChange } from './new-offsets.ts'
import type { ResetTo } from './reset-to.ts'

/** What a reset does. */
export interface ResetPlan {
  readonly applicationId: string
  /** Of input topics. */
  readonly offsets: readonly OffsetChange[]
  /** Internal topics that exist and are deleted, with their partitions. */
  readonly topics: readonly TopicDescription[]
  /** Folders of stores on this machine that are deleted. */
  readonly localState: readonly string[]
  /** Undefined: local state is left alone. */
  readonly stateDir: string | undefined
  /** What a person should know. */
  readonly notes: readonly string[]
}

export interface ResetRequest {
  readonly target: Target
  readonly to: ResetTo
  /** Of the command line: only these. */
  readonly inputTopics: readonly string[] | undefined
  readonly internalTopics: readonly string[] | undefined
  readonly stateDir: string | undefined
}

/** Looks at how things are and works out what there is to do. Changes nothing. */
export async function planReset(admin: TransportAdmin, request: ResetRequest): Promise<ResetPlan> {
  const { target, to } = request
  const { applicationId } = target
  const notes: string[] = []
  const inputs = await admin.describeTopics(inputsOf(request))
  const named = namedInputs(request)
  for (const topic of missing(inputsOf(request), inputs)) {
    if (named.includes(topic)) throw new NotFoundError(`Input topic '${topic}' does not exist.`)
    notes.push(`input topic '${topic}' does not exist`)
  }
  const partitions = inputs.flatMap(({ topic, partitions: count }) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  )
  const offsets = await newOffsets(admin, { group: applicationId, partitions, to })
  if (to.kind === 'given') checkGiven(to.offsets, offsets)
  const wanted = internalTopicsOf(request)
  const topics = (await admin.describeTopics(wanted)).toSorted((a, b) => (a.topic < b.topic ? -1 : 1))
  // Whoever was interrupted runs the same again: no error.
  for (const topic of missing(request.internalTopics ?? [], topics)) notes.push(`internal topic '${topic}' does not exist`)
  const like = (await admin.describeTopics([internalNames(applicationId)])).filter(({ topic }) => !wanted.includes(topic))
  for (const { topic } of like) {
    notes.push(`topic '${topic}' is left alone: nothing says that it is of '${applicationId}'. If it is, name it with --internal-topics`)
  }
  const stateDir = request.stateDir ?? target.stateDir
  if (stateDir === undefined && target.definition !== undefined) {
    notes.push(
      "local state is left alone: the module's is not of the Kafka that --brokers names. If there is some, name its folder with --state-dir",
    )
  }
  const slots = stateDir === undefined ? [] : await localState(stateDir, applicationId)
  return {
    applicationId,
    offsets,
    topics,
    localState: slots.flatMap(({ stores }) => stores.map(({ folder }) => folder)),
    stateDir,
    notes,
  }
}

/** Throws a {@link UsageError} if nothing is named that could be reset: without a module nobody else says what there is to do. */
export function checkThereIsSomething(request: ResetRequest): void {
  const { target, internalTopics = [], stateDir } = request
  if (target.definition !== undefined || namedInputs(request).length > 0 || internalTopics.length > 0 || stateDir !== undefined) return
  throw new UsageError(
    'Name what is to be reset: --input-topics, whose offsets are set, --internal-topics, --state-dir, or the module of the application.',
  )
}

/** Inputs that the command line names, itself or by its file of offsets. */
function namedInputs({ inputTopics, to }: ResetRequest): readonly string[] {
  if (inputTopics !== undefined || to.kind !== 'given') return inputTopics ?? []
  return [...new Set([...to.offsets.keys()].map((key) => key.split(' ')[0] as string))]
}

function inputsOf(request: ResetRequest): readonly (string | RegExp)[] {
  const { definition, applicationId } = request.target
  if (definition === undefined) return namedInputs(request)
  const { inputTopics } = request
  const { inputs } = applicationTopics(definition.topology, applicationId)
  for (const topic of inputTopics ?? []) {
    const isInput = inputs.some((one) => (typeof one === 'string' ? one === topic : new RegExp(one.source).test(topic)))
    if (!isInput) throw new UsageError(`'${topic}' is no input of '${applicationId}'.`)
  }
  return inputTopics ?? inputs
}

/**
 * With a module, exactly what its topology makes. A name that only begins like it may be another application's: `app-2-counts-changelog` is of `app-2`,
 * not of `app`, and nobody can tell by the name.
 */
function internalTopicsOf({ target, internalTopics }: ResetRequest): readonly string[] {
  const { definition, applicationId } = target
  for (const topic of internalTopics ?? []) {
    if (internalNames(applicationId).test(topic)) continue
    throw new UsageError(
      `'${topic}' is no internal topic of '${applicationId}': their names are '${applicationId}-...-changelog' and '${applicationId}-...-repartition'.`,
    )
  }
  if (definition === undefined) return internalTopics ?? []
  const { changelogs, repartitions } = applicationTopics(definition.topology, applicationId)
  return [...new Set([...changelogs.values(), ...repartitions, ...(internalTopics ?? [])])]
}

function internalNames(applicationId: string): RegExp {
  return new RegExp(`^${applicationId.replaceAll('.', '\\.')}-.+-(changelog|repartition)$`)
}

function missing(asked: readonly (string | RegExp)[], found: readonly TopicDescription[]): string[] {
  const names = new Set(found.map(({ topic }) => topic))
  return asked.filter((topic): topic is string => typeof topic === 'string' && !names.has(topic))
}

function checkGiven(given: ReadonlyMap<string, number>, offsets: readonly OffsetChange[]): void {
  const known = new Set(offsets.map(({ topic, partition }) => `${topic} ${partition}`))
  const unknown = [...given.keys()].find((key) => !known.has(key))
  if (unknown === undefined) return
  const [topic, partition] = unknown.split(' ')
  throw new UsageError(`The file of offsets names partition ${partition} of '${topic}', which the application does not read.`)
}
