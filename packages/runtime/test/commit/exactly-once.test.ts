import { describe, expect, test } from 'vitest'
import { ManualClock, type OffsetCommit, type RecordSource, type RecordWriter, viewColumn } from '@millrace/core'
import { CommitCoordinator } from '../../src/commit/commit-coordinator.ts'
import { ExactlyOnce } from '../../src/commit/exactly-once.ts'
import { WriterParticipant } from '../../src/commit/writer-participant.ts'
import { OutputQueue } from '../../src/sink/output-queue.ts'
import type { Task } from '../../src/task/task.ts'
import type { TaskEnvironment } from '../../src/task/task-environment.ts'

const held: OffsetCommit = { topic: 'in', partition: 0, offset: 3 }
const moved: OffsetCommit = { ...held, offset: 5 }
const write = { topic: 'out', length: 1, keys: viewColumn([null]), values: viewColumn([null]), timestamps: [1] }
const change = { ...write, topic: 'changelog' }

/** A coordinator over a writer that notes what it is asked to do; `during` is called at each step. */
function committing(during: (step: string) => void = () => undefined) {
  const steps: string[] = []
  const step = async (name: string) => {
    steps.push(name)
    during(name)
  }
  const writer = {
    writeBatch: ({ topic }: typeof write) => step(`write ${topic}`),
    flush: async () => {
      await step('flush')
      return []
    },
    sendOffsets: (offsets: readonly OffsetCommit[]) => step(`offsets ${offsets.map(({ offset }) => offset).join()}`),
    commit: () => step('commit'),
    begin: () => step('begin'),
  } as unknown as RecordWriter
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
  const protocol = new ExactlyOnce({ source: {} as RecordSource, writer, participants: [new WriterParticipant(writer, environment)] })
  const coordinator = new CommitCoordinator({ environment, output, protocol })
  const task = (offsets: readonly OffsetCommit[], changelog: readonly (typeof write)[]) => {
    const own = {
      id: '0_0',
      state: 'running',
      persist: async () => void steps.push('persist'),
      stores: { all: [] },
      offsets: { confirmed: () => undefined },
    }
    return Object.assign(own, { seal: () => ({ task: own, offsets, held, changelog, records: 1 }) })
  }
  return {
    steps,
    output,
    coordinator,
    task,
    commit: (tasks: readonly object[]) => coordinator.commit(tasks as readonly Task[], 'interval'),
  }
}

describe('a commit that is a transaction', () => {
  test('has output, changelogs and offsets, and is followed by the next before output goes on', async () => {
    const { steps, output, task, commit } = committing((step) => {
      if (step === 'commit') output.append({ writes: [{ ...write, topic: 'later' }], bytes: 1 }, own)
    })
    const own = task([moved], [change])
    output.append({ writes: [write], bytes: 1 }, own)
    await commit([own])
    await Promise.resolve()
    expect(steps).toEqual(['write out', 'write changelog', 'flush', 'offsets 5', 'commit', 'begin', 'write later', 'persist'])
  })

  test('of a task that has got no further commits again what is committed, so that the group has to count the process in', async () => {
    const { steps, task, commit } = committing()
    await commit([task([], [change])])
    expect(steps).toEqual(['write changelog', 'flush', 'offsets 3', 'commit', 'begin', 'persist'])
  })

  test('is refused while the transaction holds output of a task that is over, though that has nothing to commit any more', async () => {
    const { steps, output, task, commit } = committing()
    const over = task([], [])
    output.append({ writes: [write], bytes: 1 }, over)
    await Promise.resolve()
    over.state = 'closed'
    await expect(commit([])).rejects.toMatchObject({ code: 'COMMIT_ABANDONED' })
    await expect(commit([task([moved], [])])).rejects.toMatchObject({ code: 'COMMIT_ABANDONED' })
    expect(steps).toEqual(['write out'])
  })

  test.each(['flush', 'offsets 5'])('goes no further when a task whose output it holds ends during its %s', async (at) => {
    const { steps, output, task, commit } = committing((step) => {
      if (step === at) other.state = 'closed'
    })
    const other = task([], [])
    output.append({ writes: [write], bytes: 1 }, other)
    await expect(commit([task([moved], [])])).rejects.toMatchObject({ code: 'COMMIT_ABANDONED' })
    expect(steps.at(-1)).toBe(at)
  })

  test('has no one who was closed in order, with what it put out committed before', async () => {
    const { steps, output, task, commit } = committing()
    const own = task([moved], [])
    output.append({ writes: [write], bytes: 1 }, own)
    await commit([own])
    own.state = 'closed'
    await commit([task([moved], [])])
    expect(steps.filter((step) => step === 'commit')).toHaveLength(2)
  })
})
