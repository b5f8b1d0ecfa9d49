import { ManualClock, MillraceError, silentLogger } from '@millrace/core'
import type { MemoryOperation } from '@millrace/transport-memory'
import { describe, expect, test } from 'vitest'
import { isRestore, Restoring, someChanges } from '../support/restoring.ts'

const isRestorePoll = (operation: MemoryOperation) => isRestore('poll', operation)

describe('a restore that is not wanted any more', () => {
  const never = () => new Promise<never>(() => undefined)

  test('does not wait for what brokers are asked, which may take long while they are away, and says nothing of it', async () => {
    await using restoring = await Restoring.open()
    await restoring.write(someChanges(20))
    const interrupt = new AbortController()
    restoring.admin.endOffsets = never
    const restored = restoring.restore({ signal: interrupt.signal })
    interrupt.abort(new Error('not wanted'))
    await expect(restored).rejects.toThrow('not wanted')
    expect(restoring.phases).toEqual([])
  })

  test('nor for its reader to open', async () => {
    const interrupt = new AbortController()
    const before = (operation: MemoryOperation) => {
      if (!isRestore('open-source', operation)) return undefined
      interrupt.abort(new Error('not wanted'))
      return never()
    }
    await using restoring = await Restoring.open({ faults: { before } })
    await restoring.write(someChanges(20))
    await expect(restoring.restore({ signal: interrupt.signal })).rejects.toThrow('not wanted')
    expect(restoring.phases).toEqual([])
  })
})

describe('a restore that fails', () => {
  test('says so, for the store that could not be written', async () => {
    await using restoring = await Restoring.open({ stores: { kept: '0_0', other: '0_1' } })
    await restoring.write(someChanges(20))
    await restoring.write(someChanges(20), 'other')
    restoring.disk.beforeWrite = () => {
      throw new Error('the disk is full')
    }
    const other = restoring.disks.get('other')
    // Still at it when the first has failed.
    if (other !== undefined) {
      other.beforeWrite = () =>
        new Promise((resolve) => {
          setImmediate(resolve)
        })
    }
    await expect(restoring.restore()).rejects.toThrow('the disk is full')
    expect(restoring.events.find(({ phase }) => phase === 'failed')).toMatchObject({ store: 'kept', error: new Error('the disk is full') })
    expect(restoring.lines).toContainEqual(expect.objectContaining({ level: 'error', message: 'state could not be restored' }))
  })

  test('reads again after an error that may pass', async () => {
    const clock = new ManualClock()
    let failures = 2
    const before = (operation: MemoryOperation) => {
      if (!isRestorePoll(operation) || failures-- <= 0) return
      setImmediate(() => void clock.advance(500))
      throw new MillraceError('KAFKA_ERROR', 'no broker answers', { stage: 'source', retryable: true })
    }
    await using restoring = await Restoring.open({ faults: { before }, clock })
    await restoring.write([['a', '1']])
    await restoring.restore()
    expect(await restoring.disk.rows()).toEqual(new Map([['a', '1']]))
    expect(restoring.lines.filter(({ level }) => level === 'warn')).toHaveLength(2)
  })

  test('before it has begun says so for each of its stores', async () => {
    const before = (operation: MemoryOperation) => {
      if (isRestore('open-source', operation)) throw new Error('no connection')
    }
    await using restoring = await Restoring.open({ faults: { before }, stores: { kept: '0_0', other: '0_1' } })
    await restoring.write(someChanges(20))
    await restoring.write(someChanges(5), 'other')
    await expect(restoring.restore()).rejects.toThrow('no connection')
    expect(restoring.phases).toEqual(['kept failed', 'other failed'])
    expect(restoring.events[0]).toMatchObject({ from: 0, to: 20, remainingRecords: 20, error: new Error('no connection') })
    restoring.events.length = 0
    restoring.admin.endOffsets = async () => {
      throw new Error('no answer')
    }
    await expect(restoring.restore()).rejects.toThrow('no answer')
    expect(restoring.phases).toEqual(['kept failed', 'other failed'])
    expect(restoring.events[1]).toMatchObject({ store: 'other', error: new Error('no answer') })
  })

  test('since its changelog has lost its end says so, instead of waiting for it', async () => {
    await using restoring = await Restoring.open()
    await restoring.write(someChanges(20))
    const ends = restoring.admin.endOffsets.bind(restoring.admin)
    let asked = 0
    // As if the changelog had had 25 records when restoring began.
    restoring.admin.endOffsets = async (...args) =>
      (await ends(...args)).map((end) => ({ ...end, offset: end.offset + (asked++ === 0 ? 5 : 0) }))
    await expect(restoring.restore()).rejects.toMatchObject({
      code: 'CHANGELOG_TRUNCATED',
      ...{ stage: 'store', task: '0_0', topic: 'app-kept-changelog', partition: 0, offset: 20 },
      message: expect.stringContaining('ended at offset 25 when restoring began, and now ends at 20') as string,
    })
    expect(restoring.phases).toEqual(['kept started', 'kept failed'])
  })

  test('does not fail for records of a transaction that is open: it waits for its end', async () => {
    await using restoring = await Restoring.open({ processingGuarantee: 'exactly-once' })
    await restoring.write([['a', '1']])
    const writer = await restoring.transport.openWriter({ clientId: 'test', transactionalId: 'test' }, { logger: silentLogger })
    await writer.begin()
    const column = (bytes: string) => ({ form: 'views', length: 1, views: [Buffer.from(bytes)] }) as const
    await writer.writeBatch({
      topic: 'app-kept-changelog',
      length: 1,
      keys: column('a'),
      values: column('2'),
      timestamps: [0],
      partitions: [0],
    })
    await writer.flush()
    const restore = restoring.restore()
    await new Promise((resolve) => {
      setTimeout(resolve, 250)
    })
    await writer.commit()
    await writer.close()
    await restore
    expect(await restoring.disk.rows()).toEqual(new Map([['a', '2']]))
  })
})
