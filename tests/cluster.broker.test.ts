import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { serializeColumn, silentLogger, viewColumn, type WriteFailure } from '@millrace/core'
import { expect, test } from 'vitest'
import { MillraceError, type ProcessingGuarantee } from 'millrace'
import { kafka } from 'millrace/kafka'
import { wrongs } from './support/check-traced.ts'
import { containing } from './support/containing.ts'
import { busiestThreadDuring } from './support/load.ts'
import { ownBroker } from './support/own-broker.ts'
import { SteadyInput } from './support/steady-input.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedApp } from './support/traced-app.ts'
import { TracedGroup } from './support/traced-group.ts'
import { inputSerdes } from './support/word-count-topology.ts'

const NODES = 3
const PARTITIONS = 4
/** Of each partition, which takes nothing unless both are there: `min.insync.replicas` is 2. */
const REPLICAS = 2
/**
 * The cluster notices within five seconds that a node is gone, and the client gives up connections on which nobody answers for ten: until then a thread of
 * its own may be busy.
 */
const NOTICED_MS = 12_000
const MEASURED_MS = 6_000
/** Of one core. Who asks without waiting takes a whole one, however fast the machine is. */
const ACCEPTABLE_LOAD = 0.5

/** Topics that were made a moment ago are not known to every node. */
async function patiently<T>(start: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await start()
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === 'TOPIC_MISSING')) throw error
      await pause(100)
    }
  }
}

/** An application that counts what is written all the while. */
async function counting({ brokers, folder }: { brokers: string; folder: string }, processingGuarantee: ProcessingGuarantee) {
  const group = await TracedGroup.open({
    brokers,
    sessionTimeoutMs: 45_000,
    groupProtocol: 'classic',
    partitions: PARTITIONS,
    replicationFactor: REPLICAS,
    folder: join(folder, processingGuarantee),
  })
  const traced = await patiently(() => TracedApp.start(group, kafka({ brokers }), { processingGuarantee, replicationFactor: REPLICAS }))
  const input = await SteadyInput.begin(group, brokers)
  const dispose = async () => {
    await input[Symbol.asyncDispose]()
    await traced[Symbol.asyncDispose]()
    await group[Symbol.asyncDispose]()
  }
  return { processingGuarantee, group, traced, input, [Symbol.asyncDispose]: dispose }
}

/** Resolves when something is committed of what is processed from now on. */
async function committed({ traced }: { readonly traced: TracedApp }): Promise<void> {
  // The one under way may have begun before.
  const enough = traced.commits + 2
  while (traced.commits < enough) {
    if (traced.app.state === 'error') await traced.running
    await pause(10)
  }
}

test(
  'when each of three nodes is killed and comes back, leaders move and partitions have too few replicas: applications wait without spinning, and nothing is lost; exactly once, nothing is repeated either',
  { timeout: 300_000 },
  async () => {
    await using cluster = await ownBroker({ nodes: NODES })
    await using folder = await temporaryFolder()
    const place = { brokers: cluster.brokers, folder: folder.path }
    await using atLeastOnce = await counting(place, 'at-least-once')
    await using exactlyOnce = await counting(place, 'exactly-once')
    const all = [atLeastOnce, exactlyOnce]
    const { log, applicationId } = atLeastOnce.group
    const probe = `probe-${applicationId}`
    await log.createTopics({ [probe]: PARTITIONS }, REPLICAS)
    await Promise.all(all.map(committed))

    await cluster.kill(0)
    await pause(NOTICED_MS)
    const before = all.map(({ traced }) => traced.commits)
    const load = await busiestThreadDuring(MEASURED_MS)
    for (const { traced } of all) expect(['running', 'rebalancing']).toContain(traced.app.state)
    // Each commit is of all partitions, of which some take nothing.
    expect(all.map(({ traced }) => traced.commits)).toEqual(before)
    const failures = await writeImpatiently(cluster.brokers, probe)
    expect(failures.length).toBeGreaterThan(0)
    expect(failures.length).toBeLessThan(PARTITIONS)
    expect(failures[0]?.error).toMatchObject({ code: 'TIMED_OUT', retryable: true, message: containing('min.insync.replicas') })
    await cluster.restart(0)
    await Promise.all(all.map(committed))
    expect(load).toBeLessThan(ACCEPTABLE_LOAD)

    for (let node = 1; node < NODES; node++) {
      await cluster.kill(node)
      // Which takes longer than the cluster needs to notice that the node was gone.
      await cluster.restart(node)
      await Promise.all(all.map(committed))
    }
    for (const { processingGuarantee, group, traced, input } of all) {
      await input.stop()
      await traced.finish()
      expect({ [processingGuarantee]: await wrongs(group, processingGuarantee) }).toEqual({ [processingGuarantee]: [] })
    }
  },
)

/** What becomes of a record for each partition, given more time than brokers that are there need, and than a busy machine takes. */
async function writeImpatiently(brokers: string, topic: string): Promise<readonly WriteFailure[]> {
  const transport = kafka({ brokers, producer: { 'message.timeout.ms': 15_000 } })
  const writer = await transport.openWriter({ clientId: 'impatient' }, { logger: silentLogger })
  try {
    const values = Array.from({ length: PARTITIONS }, (_, partition) => `to ${partition}`)
    await writer.writeBatch({
      topic,
      length: values.length,
      keys: viewColumn(values.map(() => null)),
      values: serializeColumn(inputSerdes.value, values),
      timestamps: values.map(() => Date.now()),
      partitions: values.map((_, partition) => partition),
    })
    return await writer.flush()
  } finally {
    await writer.close()
  }
}
