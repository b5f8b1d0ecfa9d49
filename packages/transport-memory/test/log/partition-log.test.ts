import { bytesAt, viewColumn, type IsolationLevel, type WriteBatch } from '@millrace/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PartitionLog } from '../../src/log/partition-log.ts'
import { Transaction } from '../../src/log/transaction.ts'
import { writeOf } from '../support/records.ts'

describe('PartitionLog', () => {
  it('reads across segments, each batch out of one', () => {
    const log = new PartitionLog({ topic: 't', partition: 0 })
    const values = Array.from({ length: 500 }, (_, i) => `${i} ${'x'.repeat(i * 3)}`)
    for (let i = 0; i < values.length; i += 7) append(log, values.slice(i, i + 7))
    expect(readAll(log, 'read-uncommitted').map(({ value }) => value)).toEqual(values)
    const buffers = new Set<Uint8Array>()
    for (let at = 0; at < values.length;) {
      const batch = log.read(at, 50, 'read-uncommitted')
      if (batch?.values.form !== 'packed') throw new Error('packed')
      buffers.add(batch.values.bytes)
      at += batch.length
    }
    expect(buffers.size).toBeGreaterThan(1)
  })

  it('keeps what it has handed out as it was, while it grows', () => {
    const log = new PartitionLog({ topic: 't', partition: 0 })
    append(log, ['first'])
    const batch = log.read(0, 10, 'read-uncommitted')
    for (let i = 0; i < 1_000; i++) append(log, [`later ${i}`])
    expect(batch?.length).toBe(1)
    expect(batch?.values.length).toBe(1)
    expect(new TextDecoder().decode(bytesAt(batch?.values ?? viewColumn([null]), 0) ?? undefined)).toBe('first')
  })

  it('finds the first record at or after a time', () => {
    const log = new PartitionLog({ topic: 't', partition: 0 })
    log.append(
      whole(
        writeOf(
          't',
          [5, 3, 9, 7].map((timestamp) => ({ timestamp })),
        ),
      ),
    )
    expect([0, 4, 6, 9, 10].map((time) => log.offsetForTime(time))).toEqual([0, 0, 2, 2, 4])
    log.deleteBelow(3)
    expect(log.offsetForTime(0)).toBe(3)
  })

  it('gives back memory of deleted records', () => {
    const log = new PartitionLog({ topic: 't', partition: 0 })
    for (let i = 0; i < 300; i++) append(log, ['x'.repeat(1_000)])
    log.deleteBelow(299)
    expect(log.read(0, 10, 'read-uncommitted')?.offsets[0]).toBeGreaterThan(0)
    expect(log.startOffset).toBe(299)
    log.deleteBelow(300)
    expect(log.nextVisible(300, 'read-uncommitted')).toBe(300)
    append(log, ['next'])
    expect(readAll(log, 'read-uncommitted', 300)).toEqual([{ offset: 300, value: 'next' }])
  })

  it('shows to read-committed exactly what a model of transactions shows, whatever is written, ended and read', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('write' as const), by: fc.nat(3), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ do: fc.constantFrom('commit' as const, 'abort' as const), by: fc.integer({ min: 1, max: 3 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (steps, maxRecords) => {
        const log = new PartitionLog({ topic: 't', partition: 0 })
        const model = new Model()
        const open = new Map<number, Transaction>()
        let ids = 0
        for (const { do: what, by, ...rest } of steps) {
          if (what === 'write') {
            let transaction = by === 0 ? undefined : open.get(by)
            if (by !== 0 && transaction === undefined) {
              transaction = new Transaction(++ids)
              open.set(by, transaction)
            }
            const count = 'count' in rest ? rest.count : 0
            const values = Array.from({ length: count }, (_, i) => `${log.endOffset + i}`)
            append(log, values, transaction)
            model.write(count, transaction)
          } else {
            const transaction = open.get(by)
            if (transaction === undefined) continue
            open.delete(by)
            log.finish(transaction, what === 'commit' ? 'committed' : 'aborted')
            model.end(transaction, what)
          }
          const committed = readAll(log, 'read-committed', 0, maxRecords)
          expect(committed.map(({ offset }) => offset)).toEqual(model.visible())
          expect(committed.every(({ offset, value }) => value === String(offset))).toBe(true)
          expect(log.readableEnd('read-committed')).toBe(model.stable())
          expect(log.nextVisible(0, 'read-committed')).toBe(model.visible()[0] ?? model.stable())
          expect(readAll(log, 'read-uncommitted', 0, maxRecords).map(({ offset }) => offset)).toEqual(model.all())
        }
      }),
    )
  })
})

/** What a partition's offsets are taken by, one by one. */
class Model {
  readonly #slots: ({ readonly transaction: Transaction | undefined } | 'marker')[] = []
  readonly #outcomes = new Map<Transaction, 'commit' | 'abort'>()

  write(count: number, transaction: Transaction | undefined): void {
    for (let i = 0; i < count; i++) this.#slots.push({ transaction })
  }

  end(transaction: Transaction, outcome: 'commit' | 'abort'): void {
    this.#outcomes.set(transaction, outcome)
    this.#slots.push('marker')
  }

  stable(): number {
    const open = this.#slots.findIndex(
      (slot) => slot !== 'marker' && slot.transaction !== undefined && !this.#outcomes.has(slot.transaction),
    )
    return open < 0 ? this.#slots.length : open
  }

  all(): number[] {
    return this.#slots.flatMap((slot, offset) => (slot === 'marker' ? [] : [offset]))
  }

  visible(): number[] {
    const stable = this.stable()
    return this.all().filter((offset) => {
      const slot = this.#slots[offset]
      if (offset >= stable || slot === undefined || slot === 'marker') return false
      return slot.transaction === undefined || this.#outcomes.get(slot.transaction) === 'commit'
    })
  }
}

function whole(batch: WriteBatch) {
  return { batch, rows: undefined, from: 0, to: batch.length }
}

function append(log: PartitionLog, values: readonly string[], transaction?: Transaction): void {
  const records = values.map((value) => ({ value }))
  log.append(whole(writeOf('t', records)), transaction)
}

function readAll(
  log: PartitionLog,
  isolation: IsolationLevel,
  from = 0,
  maxRecords = 1_000,
): { readonly offset: number; readonly value: string }[] {
  const records: { offset: number; value: string }[] = []
  let at = from
  for (;;) {
    const batch = log.read(at, maxRecords, isolation)
    if (batch === undefined) return records
    for (let i = 0; i < batch.length; i++) {
      const offset = batch.offsets[i] as number
      records.push({ offset, value: new TextDecoder().decode(bytesAt(batch.values, i) ?? undefined) })
      at = offset + 1
    }
  }
}
