import { DEFAULT_BATCH_POLICY } from '../batch/batch-policy.ts'
import { batchPolicyProblems } from '../batch/batch-policy-problems.ts'
import { type Either, left, right } from '../internal/fp.ts'
import { numberProblem, type NumberRange } from '../internal/number-problem.ts'
import type { AppDefinition } from './app-definition.ts'
import type { ResolvedDefinition } from './resolved-definition.ts'

const MIB = 1_048_576
/** Half of the Kafka client's default `max.poll.interval.ms`. */
const MAX_REVOKE_MS = 150_000

/** Fills in every default, or lists everything that is wrong, one sentence each. */
export function validateDefinition(definition: AppDefinition): Either<readonly string[], ResolvedDefinition> {
  const { applicationId, topology, transport, processingGuarantee = 'at-least-once', commit = {}, buffer = {} } = definition
  const problems: string[] = []
  if (typeof applicationId !== 'string' || !/^[a-zA-Z0-9._-]{1,180}$/.test(applicationId) || /^\.{1,2}$/.test(applicationId)) {
    problems.push(
      `applicationId is ${JSON.stringify(applicationId)}; use 1 to 180 letters, digits, '.', '_' and '-' (it names the consumer group, topics and a folder).`,
    )
  }
  if (!Array.isArray(topology?.subTopologies)) problems.push('topology is not what TopologyBuilder.build() returns.')
  if (typeof transport?.openSource !== 'function')
    problems.push("transport is no transport; use kafka({ brokers: [...] }) from 'millrace/kafka', or memory() from 'millrace/memory'.")
  if (processingGuarantee === 'exactly-once') {
    problems.push("processingGuarantee is 'exactly-once', which this version does not offer yet; use 'at-least-once'.")
  } else if (processingGuarantee !== 'at-least-once') {
    problems.push(`processingGuarantee is ${JSON.stringify(processingGuarantee)}; use 'at-least-once'.`)
  }
  const number = (name: string, value: number | undefined, fallback: number, range: NumberRange): number => {
    const problem = value === undefined ? undefined : numberProblem(name, value, range)
    if (problem !== undefined) problems.push(problem)
    return value ?? fallback
  }
  problems.push(...batchPolicyProblems('batch', definition.batch ?? {}))
  const resolved: ResolvedDefinition = {
    topology,
    applicationId,
    transport,
    stateDir: definition.stateDir ?? './state',
    processingGuarantee,
    batch: { ...DEFAULT_BATCH_POLICY, ...definition.batch },
    commit: {
      intervalMs: number('commit.intervalMs', commit.intervalMs, 1_000, { min: 1 }),
      records: number('commit.records', commit.records, Infinity, { min: 1 }),
      maxUncommittedBytes: number('commit.maxUncommittedBytes', commit.maxUncommittedBytes, 64 * MIB, { min: 1 }),
    },
    buffer: {
      maxRecords: number('buffer.maxRecords', buffer.maxRecords, 100_000, { min: 1 }),
      maxBytes: number('buffer.maxBytes', buffer.maxBytes, 64 * MIB, { min: 1 }),
      maxOutputBytes: number('buffer.maxOutputBytes', buffer.maxOutputBytes, 64 * MIB, { min: 1 }),
    },
    stateCacheBytes: number('stateCacheBytes', definition.stateCacheBytes, 16 * MIB, { min: 0 }),
    revokeTimeoutMs: number('revokeTimeoutMs', definition.revokeTimeoutMs, 30_000, { min: 1, max: MAX_REVOKE_MS }),
    maxTaskIdleMs: number('maxTaskIdleMs', definition.maxTaskIdleMs, 0, { min: -1 }),
    handleSignals: definition.handleSignals ?? false,
    logger: definition.logger,
    observer: definition.observer,
    clock: definition.clock,
    replicationFactor:
      definition.replicationFactor === undefined
        ? undefined
        : number('replicationFactor', definition.replicationFactor, 1, { min: 1, max: 32_767 }),
  }
  if (typeof resolved.stateDir !== 'string' || resolved.stateDir === '')
    problems.push(`stateDir is ${JSON.stringify(definition.stateDir)}; name a folder.`)
  return problems.length === 0 ? right(Object.freeze(resolved)) : left(problems)
}
