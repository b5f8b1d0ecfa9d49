import { randomUUID } from 'node:crypto'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, inject, test } from 'vitest'
import { kafka } from 'millrace/kafka'
import { digestOfBigState, recordsOf, writeBigState } from './support/big-state.ts'
import { containing } from './support/containing.ts'
import { LogClient } from './support/log-client.ts'
import { ownBroker } from './support/own-broker.ts'
import { RestoreMember } from './support/restore-member.ts'
import { count, counts, restoredRecords } from './support/restored-counts.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

const KEYS = 100_000
const lines = someLines(3_000)

/** Lines that are counted once; `again` counts what has come since then. */
async function counted(inputName: string, outputName: string) {
  const id = randomUUID().slice(0, 8)
  const topics = { input: `${inputName}-${id}`, output: `${outputName}-${id}` }
  const transport = kafka({ brokers: inject('kafkaBrokers') })
  const folder = await temporaryFolder()
  const log = await LogClient.open(transport)
  await log.createTopics({ [topics.input]: 2, [topics.output]: 2 })
  const send = (some: readonly string[]) =>
    log.write(
      topics.input,
      inputSerdes,
      some.map((value) => ({ key: null, value })),
    )
  const countAs = (applicationId: string) =>
    count(transport, folder.path, { applicationId, topology: wordCountTopology({ counts, topics }) })
  return {
    id,
    folder: folder.path,
    send,
    countAs,
    lastCounts: async () => new Map((await log.readAll(topics.output, outputSerdes)).map(({ key, value }) => [key, value])),
    async [Symbol.asyncDispose]() {
      await log[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

describe.concurrent('restore, on a broker', () => {
  test('local state that is damaged is set aside with an error that says why, and restored', async ({ expect }) => {
    await using run = await counted('lines', 'counts')
    const applicationId = `restores-${run.id}`
    await run.send(lines.slice(0, 2_000))
    await run.countAs(applicationId)
    const task = join(run.folder, applicationId, '0', '1_0')
    for (const name of (await readdir(join(task, 'counts'))).filter((file) => file.startsWith('MANIFEST'))) {
      const file = join(task, 'counts', name)
      await writeFile(file, new Uint8Array((await readFile(file)).length).fill(0x5a))
    }
    await run.send(lines.slice(2_000))
    const after = await run.countAs(applicationId)
    expect(after.errors).toEqual([
      {
        message: containing("local state of store 'counts' can't be used and was set aside"),
        fields: expect.objectContaining({ task: '1_0', store: 'counts', reason: containing('damaged') }) as unknown,
      },
    ])
    expect(restoredRecords(after)).toBeGreaterThan(0)
    expect((await readdir(task)).filter((name) => name.startsWith('counts.set-aside-'))).toHaveLength(1)
    expect(await run.lastCounts()).toEqual(countWords(lines))
  })

  test('local state of another application is set aside, and what is restored is our own', async ({ expect }) => {
    await using run = await counted('lines', 'counts')
    const [ours, another] = [`restores-${run.id}`, `another-${run.id}`]
    await run.send(lines.slice(0, 1_000))
    await run.countAs(ours)
    // It counts more than we have.
    await run.send(lines.slice(1_000, 2_000))
    await run.countAs(another)
    await rename(join(run.folder, ours), join(run.folder, 'away'))
    await rename(join(run.folder, another), join(run.folder, ours))
    await run.send(lines.slice(2_000))
    const after = await run.countAs(ours)
    expect(after.errors.map(({ fields }) => String(fields['reason'])).toSorted()).toEqual(
      [0, 1].map(
        (partition) => `it belongs to changelog ${another}-counts-changelog-${partition}, not to ${ours}-counts-changelog-${partition}`,
      ),
    )
    expect(restoredRecords(after)).toBeGreaterThan(0)
    expect(await run.lastCounts()).toEqual(countWords(lines))
  })

  test('a restore goes on when the broker went away in its midst and came back', { timeout: 240_000 }, async ({ expect }) => {
    await using broker = await ownBroker()
    await using folder = await temporaryFolder()
    const { brokers } = broker
    const transport = kafka({ brokers })
    const applicationId = 'restores'
    const topics = { big: 'big', small: 'small', output: 'out' }
    const changelog = `${applicationId}-big-changelog`
    {
      await using log = await LogClient.open(transport)
      await log.createTopics({ [topics.big]: 2, [topics.small]: 1, [topics.output]: 1 })
      await log.admin.createTopics([{ topic: changelog, partitions: 2, config: { 'cleanup.policy': 'compact' } }])
    }
    await writeBigState(transport, changelog, KEYS)
    await using member = new RestoreMember({
      brokers,
      applicationId,
      topics,
      stateDir: folder.path,
      // Longer than the broker is away, for the membership to outlast it.
      maxPollIntervalMs: 120_000,
      hold: true,
      readAheadKilobytes: 64,
    })
    await member.held()
    await broker.kill(0)
    await member.ask('go-on')
    await pause(2_000)
    expect(member.restoreEvents('completed')).toEqual([])
    await broker.restart(0)
    await member.restored()
    expect((await member.ask('digest')).digest).toEqual(digestOfBigState(KEYS))
    // Nothing was begun anew for it.
    expect(member.restoreEvents('started')).toHaveLength(2)
    const restored = member.restoreEvents('completed').reduce((sum, { restoredRecords: records }) => sum + records, 0)
    expect(restored).toBe(recordsOf(KEYS))
    expect(await member.close()).toBe(0)
  })
})
