import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@millrace/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { KeptState, type KeptStateParts } from '../../src/app/kept-state.ts'
import type { TopicPlan } from '../../src/app/topic-plan.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-kept-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Of three sub-topologies, the second of which reads two topics, and the last keeps nothing. */
const plan = {
  subTopologies: [
    { inputs: [{ topic: 'a' }], subTopology: { stores: [{}] } },
    { inputs: [{ topic: 'b' }, { topic: 'c' }], subTopology: { stores: [{}] } },
    { inputs: [{ topic: 'd' }], subTopology: { stores: [] } },
  ],
} as unknown as TopicPlan

const open = (parts: Partial<KeptStateParts> = {}): KeptState =>
  new KeptState({ plan, folder, standbys: undefined, logger: silentLogger, ...parts })

const [a3, b0, c0] = [
  { topic: 'a', partition: 3 },
  { topic: 'b', partition: 0 },
  { topic: 'c', partition: 0 },
]

describe('state that a process keeps', () => {
  test('is that of the tasks it had last, told by their inputs, also when it is started again', async () => {
    const first = open()
    expect(first.partitions).toEqual([])
    first.note(new Set(['0_1']))
    first.note(new Set(['0_3', '1_0', '2_0', '7_0']))
    expect(first.partitions).toEqual([a3, b0, c0])
    // It closes.
    first.note(new Set())
    await first.close()
    expect(open().partitions).toEqual([a3, b0, c0])
  })

  test('is also what it follows and is up to date', async () => {
    const kept = open({ standbys: { caughtUp: ['1_0', '0_3'] } })
    expect(kept.partitions).toEqual([b0, c0, a3])
    kept.note(new Set(['0_3']))
    expect(kept.partitions).toEqual([a3, b0, c0])
    await kept.close()
  })

  test('is with each of its threads, whichever had it last: they share the folder', async () => {
    const [first, second] = [open({ thread: 1 }), open({ thread: 2 })]
    first.note(new Set(['0_3']))
    second.note(new Set(['1_0']))
    await Promise.all([first.close(), second.close()])
    expect(new Set(first.partitions)).toEqual(new Set([a3, b0, c0]))
    expect(new Set(open({ thread: 3 }).partitions)).toEqual(new Set([a3, b0, c0]))
    // Started again without threads.
    expect(new Set(open().partitions)).toEqual(new Set([a3, b0, c0]))
  })

  test('is told in the log where it can not be noted, and stops nothing', async () => {
    const warnings: unknown[] = []
    const logger = { ...silentLogger, warn: (_fields: object, message: string) => warnings.push(message) }
    const kept = open({ folder: join(folder, 'none'), logger })
    kept.note(new Set(['0_3']))
    await kept.close()
    expect(kept.partitions).toEqual([a3])
    expect(warnings).toEqual(['which tasks are here could not be noted'])
  })
})
