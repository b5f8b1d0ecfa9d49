import type { Environment } from '../batch/environment-values.ts'
import { failureProblems } from '../failure/failure-problems.ts'
import { resolveFailureOptions } from '../failure/resolve-failure-options.ts'
import { type Either, left, right } from '../internal/fp.ts'
import { unknownNames } from '../internal/unknown-names.ts'
import { MOST_CONCURRENCY } from '../process/concurrency.ts'
import type { Topology, TopologyNode } from '../topology/topology.ts'
import type { AppDefinition } from './app-definition.ts'
import { outsideSinkConflicts } from './outside-sink-problems.ts'
import { resolveBatching } from './resolve-batching.ts'
import { DefinitionChecks } from './definition-checks.ts'
import { BUFFER_NAMES, COMMIT_NAMES, CONCURRENCY_NAMES, DEFINITION_NAMES, STATE_NAMES } from './definition-names.ts'
import type { ResolvedDefinition } from './resolved-definition.ts'
import { resolveThreads } from './thread-options.ts'

const MIB = 1_048_576
/** Half of the Kafka client's default `max.poll.interval.ms`: a revoke that waits longer costs the member its place in the group. */
const MAX_REVOKE_MS = 150_000
/** Whoever takes over waits for what a killed process has left open, and has patience for a little more. */
const MAX_TRANSACTION_MS = 120_000

/**
 * Fills in every default, or lists everything that is wrong, one sentence each with the value and what is allowed. `environment`: variables that
 * count more than options, as in `process.env`. Default: none.
 */
export function validateDefinition(
  definition: AppDefinition,
  environment: Environment = {},
): Either<readonly string[], ResolvedDefinition> {
  if (typeof definition !== 'object' || definition === null) return left(['This is no definition; use what defineApp({ ... }) returns.'])
  const checks = new DefinitionChecks()
  const { topology, transport, logger, observer, tracer, advertisedAddress, clock, replicationFactor } = definition
  const processingGuarantee = checks.guarantee(definition.processingGuarantee)
  checks.that(
    Array.isArray(topology?.subTopologies) && Array.isArray(topology.nodes),
    'topology is not what TopologyBuilder.build() returns.',
  )
  checks.that(
    typeof transport?.openSource === 'function',
    "transport is no transport; use kafka({ brokers: [...] }) from 'millrace/kafka', or memory() from 'millrace/memory'.",
  )
  checks.that(logger === undefined || typeof logger?.info === 'function', 'logger is no logger; use one of pino, or silentLogger.')
  checks.that(observer === undefined || typeof observer === 'function', 'observer is no function; use one that takes an event.')
  checks.that(
    tracer === undefined || typeof tracer?.passStarted === 'function',
    'tracer has no function passStarted; leave it out to follow no passes.',
  )
  checks.that(
    advertisedAddress === undefined || typeof advertisedAddress === 'function' || isAddress(advertisedAddress),
    "advertisedAddress is no address; use 'host:port', or a function that gives it.",
  )
  checks.that(clock === undefined || typeof clock?.now === 'function', 'clock is no clock; leave it out to use the system clock.')
  const batch = resolveBatching(definition, environment)
  checks.problems.push(...batch.problems)
  const commit = checks.group('commit', definition.commit, COMMIT_NAMES)
  const buffer = checks.group('buffer', definition.buffer, BUFFER_NAMES)
  const state = checks.group('state', definition.state, STATE_NAMES)
  const failureIssues = failureProblems('failure', definition.failure)
  checks.problems.push(...failureIssues)
  const concurrency = checks.group('concurrency', definition.concurrency, CONCURRENCY_NAMES)
  if (processingGuarantee === 'exactly-once') checks.problems.push(...unorderedProblems(topology), ...unloggedProblems(topology))
  checks.problems.push(...mixedProblems(topology), ...outsideSinkConflicts(topology, processingGuarantee))
  const transactionTimeoutMs = checks.number('transactionTimeoutMs', definition.transactionTimeoutMs, {
    fallback: 10_000,
    min: 1_000,
    max: MAX_TRANSACTION_MS,
  })
  const intervalMs = checks.number('commit.intervalMs', commit.intervalMs, {
    fallback: processingGuarantee === 'exactly-once' ? 100 : 1_000,
    min: 1,
  })
  checks.that(
    processingGuarantee !== 'exactly-once' || !(intervalMs > transactionTimeoutMs / 2),
    `commit.intervalMs is ${intervalMs} and transactionTimeoutMs is ${transactionTimeoutMs}; a commit ends a transaction, so use an interval of at most half of that time.`,
  )
  const resolved: ResolvedDefinition = {
    topology,
    applicationId: checks.applicationId(definition.applicationId),
    transport,
    stateDir: checks.folder('stateDir', definition.stateDir, './state'),
    state: Object.freeze({
      cleanupDelayMs: checks.number('state.cleanupDelayMs', state.cleanupDelayMs, { fallback: 600_000, min: 1 }),
    }),
    hotStandby: checks.hotStandby(definition.hotStandby),
    threads: resolveThreads(definition.threads, checks, {
      hotStandby: (definition.hotStandby ?? false) !== false,
      mainThreadOnly: transport?.mainThreadOnly,
    }),
    processingGuarantee,
    transactionTimeoutMs,
    batch: batch.settings,
    failure: resolveFailureOptions(failureIssues.length === 0 ? definition.failure : undefined),
    commit: Object.freeze({
      intervalMs,
      records: checks.number('commit.records', commit.records, { fallback: Infinity, min: 1 }),
      maxUncommittedBytes: checks.number('commit.maxUncommittedBytes', commit.maxUncommittedBytes, { fallback: 64 * MIB, min: 1 }),
    }),
    buffer: Object.freeze({
      maxRecords: checks.number('buffer.maxRecords', buffer.maxRecords, { fallback: 100_000, min: 1 }),
      maxBytes: checks.number('buffer.maxBytes', buffer.maxBytes, { fallback: 32 * MIB, min: 1 }),
      maxOutputBytes: checks.number('buffer.maxOutputBytes', buffer.maxOutputBytes, { fallback: 32 * MIB, min: 1 }),
    }),
    concurrency: Object.freeze({
      maxConcurrency: checks.number('concurrency.maxConcurrency', concurrency.maxConcurrency, {
        fallback: 10,
        min: 1,
        max: MOST_CONCURRENCY,
      }),
      asyncBatch: checks.boolean('concurrency.asyncBatch', concurrency.asyncBatch, false),
      maxInFlightBatches: checks.number('concurrency.maxInFlightBatches', concurrency.maxInFlightBatches, {
        fallback: 3,
        min: 1,
        max: 1_000,
      }),
    }),
    stateCacheBytes: checks.number('stateCacheBytes', definition.stateCacheBytes, { fallback: 16 * MIB, min: 0 }),
    revokeTimeoutMs: checks.number('revokeTimeoutMs', definition.revokeTimeoutMs, { fallback: 30_000, min: 1, max: MAX_REVOKE_MS }),
    maxTaskIdleMs: checks.number('maxTaskIdleMs', definition.maxTaskIdleMs, { fallback: 0, min: -1 }),
    repartitionPurgeIntervalMs: checks.number('repartitionPurgeIntervalMs', definition.repartitionPurgeIntervalMs, {
      fallback: 30_000,
      min: 1,
    }),
    handleSignals: checks.boolean('handleSignals', definition.handleSignals, false),
    logger,
    observer,
    tracer,
    advertisedAddress,
    clock,
    replicationFactor:
      replicationFactor === undefined
        ? undefined
        : checks.number('replicationFactor', replicationFactor, { fallback: 1, min: 1, max: 32_767 }),
  }
  checks.problems.push(...unknownNames((name) => name, definition, DEFINITION_NAMES))
  return checks.problems.length === 0 ? right(Object.freeze(resolved)) : left(checks.problems)
}

function isAddress(address: unknown): boolean {
  return typeof address === 'string' && /^[^\s@]{1,240}:\d{1,5}$/.test(address)
}

/** Nodes whose output would come in another order when it is made again. */
function unorderedProblems(topology: Topology | undefined): string[] {
  const nodes: readonly TopologyNode[] = Array.isArray(topology?.nodes) ? topology.nodes : []
  return nodes.flatMap((node) =>
    node.kind === 'processor' && node.concurrency.ordering === 'unordered'
      ? [
          `Node '${node.name}' has ordering 'unordered', which processingGuarantee 'exactly-once' excludes: what is processed again after a ` +
            `failure would come in another order; use 'key', or 'partition' with asyncBatch.`,
        ]
      : [],
  )
}

/** Stores that no transaction covers. */
function unloggedProblems(topology: Topology | undefined): string[] {
  const stores = Array.isArray(topology?.stores) ? topology.stores : []
  return stores.flatMap(({ name, changelog }) =>
    changelog === false
      ? [
          `Store '${name}' has no changelog, which processingGuarantee 'exactly-once' excludes: its local state would not be written with the ` +
            `transaction; let it have one, or use 'at-least-once'.`,
        ]
      : [],
  )
}

/** Where a store without a changelog says where its task goes on reading, others would count what lies between a second time. */
function mixedProblems(topology: Topology | undefined): string[] {
  const subTopologies: Topology['subTopologies'] = Array.isArray(topology?.subTopologies) ? topology.subTopologies : []
  return subTopologies.flatMap(({ index, stores }) => {
    const without = stores.find(({ changelog }) => changelog === false)
    const other = stores.find(({ changelog }) => changelog !== false)
    return without === undefined || other === undefined
      ? []
      : [
          `Store '${without.name}' has no changelog and '${other.name}' has one, both in sub-topology ${index}: a task goes on reading where state without a ` +
            `changelog is, so that the other would take the same records twice; let both have one, or neither, or separate them by repartition().`,
        ]
  })
}
