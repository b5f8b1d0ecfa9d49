import { describe, expect, test } from 'vitest'
import { ManualClock, type OffsetCommit, type RecordSource, type RecordWriter, viewColumn } from '@millrace/core'
import { AtLeastOnce } from '../../src/commit/at-least-once.ts'
import { CommitCoordinator } from '../../src/commit/commit-coordinator.ts'
import { WriterParticipant } from '../../src/commit/writer-participant.ts'
import { OutputQueue } from '../../src/sink/output-queue.ts'
import type { Task } from '../../src/task/task.ts'
import type { TaskEnvironment } from '../../src/task/task-environment.ts'

const offset: OffsetCommit = { topic: 'in', partition: 0, offset: 5 }
const change = { topic: 'changelog', length: 1, keys: viewColumn([new Uint8Array(1)]), values: viewColumn([null]), timestamps: [1] }

/** A commit of one task, which does all steps until one is held up by `hold`. */
function committing(hold: (step: 'write' | 'flush' | 'commit') => Promise<void>) {
  const steps: string[] = []
  const step = async (name: 'write' | 'flush' | 'commit') => {
    steps.push(name)
    await hold(name)
  }
  const writer = {
    writeBatch: () => step('write'),
    flush: async () => {
      await step('flush')
      return []
    },
  } as unknown as RecordWriter
  const source = { commit: ([{ offset: at }]: [OffsetCommit]) => (at === 5 ? step('commit') : undefined) } as unknown as RecordSource
  const admin = { endOffsets: async () => [] }
  const definition = { revokeTimeoutMs: 1_000 }
  const environment = {
    clock: new ManualClock(),
    definition,
    emit: undefined,
    admin,
    onCommitted: () => undefined,
  } as unknown as TaskEnvironment
  const output = new OutputQueue(writer, 100, () => undefined)
  const participants = [new WriterParticipant(writer, environment)]
  const stores = { all: [], hasUnlogged: false, persistUnlogged: async () => void steps.push('persist unlogged') }
  const task = {
    id: '0_0',
    state: 'running',
    persist: async () => void steps.push('persist'),
    stores,
    offsets: { confirmed: () => undefined },
  }
  const sealed = { task, offsets: [offset], held: { ...offset, offset: 0 }, changelog: [change], records: 5 }
  const protocol = new AtLeastOnce({ clock: environment.clock, source, writer, participants })
  const coordinator = new CommitCoordinator({ environment, output, protocol })
  const commit = () => coordinator.commit([{ ...task, seal: () => sealed } as unknown as Task], 'interval')
  return { coordinator, task, steps, commit }
}

describe('a commit', () => {
  test('takes its steps in order', async () => {
    const { commit, steps, coordinator } = committing(async () => undefined)
    await commit()
    expect(steps).toEqual(['write', 'flush', 'persist unlogged', 'commit', 'persist'])
    coordinator.abandon(undefined)
    await expect(commit()).rejects.toMatchObject({ code: 'COMMIT_ABANDONED', retryable: true })
  })

  test.each(['write', 'flush'] as const)('whose writer is given up during its %s goes no step further', async (held) => {
    const { commit, steps, coordinator } = committing(async (step) => {
      if (step === held) coordinator.abandon(new Error('too late'))
    })
    await expect(commit()).rejects.toThrow('too late')
    expect(steps.at(-1)).toBe(held)
  })

  test.each(['write', 'flush'] as const)('whose task is closed during its %s goes no step further', async (held) => {
    const { commit, steps, task } = committing(async (step) => {
      if (step === held) task.state = 'closed'
    })
    await expect(commit()).rejects.toMatchObject({ code: 'COMMIT_ABANDONED', message: expect.stringContaining('0_0') as string })
    expect(steps.at(-1)).toBe(held)
  })

  test('whose task is closed while the group confirms it writes no local state', async () => {
    const { commit, steps, task } = committing(async (step) => {
      if (step === 'commit') task.state = 'closed'
    })
    await commit()
    expect(steps.at(-1)).toBe('commit')
  })
})
