import { type DetectedProcessor, detectProcessor, type ProcessorContext, type RecordBatch, type StreamRecord } from '@millrace/core'
import { describe, expect, it } from 'vitest'
import { batchOf } from '../support/batches.ts'
import { RecordingContext } from '../support/recording-context.ts'

type Record = StreamRecord<unknown, unknown>
type Batch = RecordBatch<unknown, unknown>
type Context = ProcessorContext<unknown, unknown>

const batch = batchOf([{ key: 'k', value: 'v' }])

/** What the detected methods forward, given one record. */
function forwardedBy(detected: DetectedProcessor, method: 'process' | 'processBatch'): unknown[] {
  const context = new RecordingContext(batch)
  if (method === 'process') void detected.process?.(batch.record(0), context)
  else void detected.processBatch?.(batch, context)
  return context.forwarded.map(({ value }) => value)
}

class Single {
  readonly mark = 'single'
  process(record: Record, context: Context): void {
    context.forward({ ...record, value: this.mark })
  }
}

class Batched {
  readonly mark: string = 'batch'
  processBatch(records: Batch, context: Context): void {
    context.forwardBatch({ keys: records.keys, values: [this.mark] })
  }
}

class Both extends Batched {
  process(record: Record, context: Context): void {
    context.forward({ ...record, value: `${this.mark} alone` })
  }
}

describe('detectProcessor', () => {
  it('batch only: an object with processBatch is a batch processor', () => {
    const detected = detectProcessor(new Batched(), 'node')
    expect(detected).toMatchObject({ kind: 'batch', process: undefined, init: undefined, close: undefined })
    expect(forwardedBy(detected, 'processBatch')).toEqual(['batch'])
  })

  it('single only: an object with process is a single-record processor', () => {
    const detected = detectProcessor(new Single(), 'node')
    expect(detected).toMatchObject({ kind: 'single', processBatch: undefined })
    expect(forwardedBy(detected, 'process')).toEqual(['single'])
  })

  it('both: an object with both is both', () => {
    const detected = detectProcessor(new Both(), 'node')
    expect(detected.kind).toBe('both')
    expect(forwardedBy(detected, 'processBatch')).toEqual(['batch'])
    expect(forwardedBy(detected, 'process')).toEqual(['batch alone'])
  })

  it('inherited methods count, through any number of classes', () => {
    class Child extends Both {}
    class Grandchild extends Child {
      override readonly mark: string = 'grandchild'
    }
    const detected = detectProcessor(new Grandchild(), 'node')
    expect(detected.kind).toBe('both')
    expect(forwardedBy(detected, 'processBatch')).toEqual(['grandchild'])
  })

  it('plain objects: methods, arrow functions and a prototype of null do', () => {
    const processBatch = (records: Batch, context: Context) => context.forwardBatch({ keys: records.keys, values: ['plain'] })
    const bare = Object.assign(Object.create(null) as object, { processBatch })
    for (const candidate of [{ processBatch }, bare]) {
      const detected = detectProcessor(candidate, 'node')
      expect(detected.kind).toBe('batch')
      expect(forwardedBy(detected, 'processBatch')).toEqual(['plain'])
    }
  })

  it('plain functions: they process single records, whatever they are', () => {
    const arrow = (record: Record, context: Context) => context.forward(record)
    async function asynchronous(record: Record, context: Context) {
      await Promise.resolve()
      context.forward(record)
    }
    for (const candidate of [arrow, asynchronous])
      expect(detectProcessor(candidate, 'node')).toMatchObject({ kind: 'single', process: candidate })
  })

  it('init and close belong to their object', async () => {
    const calls: string[] = []
    class Whole extends Single {
      init(context: Context): void {
        calls.push(`init ${this.mark} ${context.taskId}`)
      }
      async close(): Promise<void> {
        await Promise.resolve()
        calls.push(`close ${this.mark}`)
      }
    }
    const { init, close } = detectProcessor(new Whole(), 'node')
    await init?.(new RecordingContext(batch))
    await close?.()
    expect(calls).toEqual(['init single 0_0', 'close single'])
  })

  it.each<[string, unknown, string]>([
    ['an object without either method', { proces: () => undefined }, 'neither process nor processBatch'],
    ['a method that is no function', { process: 'soon' }, "the processor's process is a string; it must be a method"],
    ['a class instead of an object of it', Batched, 'new Batched()'],
    ['a promise', Promise.resolve(new Single()), 'returned a promise'],
    ['nothing', undefined, 'returned undefined'],
    ['null', null, 'returned null'],
    ['a text', 'process', 'returned a string'],
  ])('neither: %s is refused with an error that names the node', (_, candidate, message) => {
    expect(() => detectProcessor(candidate, 'my node')).toThrow(TypeError)
    expect(() => detectProcessor(candidate, 'my node')).toThrow("Node 'my node'")
    expect(() => detectProcessor(candidate, 'my node')).toThrow(message)
  })
})
