import { DEFAULT_FAILURE_OPTIONS, deferred, ManualClock, type OutsideSinkContext, type RecordWriter, silentLogger } from '@millrace/core'
import { expect, test } from 'vitest'
import { OutsideSinks, type OutsideSinksOptions } from '../../src/sink/outside-sinks.ts'

test('a dead letter whose writer could not be opened is written by the next that can; what one fails with is told of no other', async () => {
  let context: OutsideSinkContext | undefined
  let openings = 0
  const failing: unknown[] = []
  const stored: unknown[] = []
  let written: unknown[] = []
  const writer = {
    writeBatch: async (batch: { readonly length: number }) => void written.push(batch),
    // Of everything that was written since the flush before.
    flush: async () => {
      const before = written
      written = []
      await Promise.resolve()
      stored.push(...before)
      return failing.splice(0).map((error) => ({ error }))
    },
  } as unknown as RecordWriter
  const options = {
    nodes: [{ kind: 'outside-sink', name: 'rows', sink: { open: async (given: OutsideSinkContext) => void (context = given) } }],
    ...{ applicationId: 'app', clock: new ManualClock(), logger: silentLogger, emit: undefined },
    failure: { ...DEFAULT_FAILURE_OPTIONS, produce: 'dead-letter', deadLetter: { ...DEFAULT_FAILURE_OPTIONS.deadLetter, topic: 'dead' } },
    directory: { partitions: () => 1 },
    openWriter: async () => {
      if (openings++ === 0) throw new Error('nobody answers')
      return writer
    },
    fail: () => undefined,
  } as unknown as OutsideSinksOptions
  await new OutsideSinks(options).open()
  const refuse = () =>
    (context as OutsideSinkContext).refuse({
      ...{ topic: 't', partition: 0, offset: 1, timestamp: 0, value: new Uint8Array(1), error: new Error('no such column') },
    })
  await expect(refuse()).rejects.toThrow('nobody answers')
  failing.push(new Error('not delivered'))
  const both = await Promise.allSettled([refuse(), refuse()])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
  expect(stored).toHaveLength(2)
  expect(openings).toBe(2)
})

test('a task that is over before brokers have answered where its partitions begin and end is told to no sink', async () => {
  const assigned: unknown[] = []
  const sink = (name: string, meanwhile: () => void = () => undefined) => {
    const assign = async () => {
      assigned.push(name)
      meanwhile()
    }
    return { kind: 'outside-sink', name, sink: { open: async () => ({ assign }) } }
  }
  const asked = deferred<void>()
  const offsetsOf = async () => [{ topic: 't', partition: 0, offset: 0 }]
  const endOffsets = () => asked.promise.then(offsetsOf)
  const reading = [{ topic: 't', partition: 0, nextOffset: 0 }]
  const [over, endsLater] = [new AbortController(), new AbortController()]
  const nodes = [sink('first', () => endsLater.abort(new Error('it is over'))), sink('second')]
  const admin = { beginningOffsets: offsetsOf, endOffsets, describeTopics: async () => [] }
  const sinks = new OutsideSinks({
    nodes,
    admin,
    applicationId: 'app',
    clock: new ManualClock(),
    logger: silentLogger,
  } as unknown as OutsideSinksOptions)
  await sinks.open()
  const assigning = sinks.assign(['first', 'second'], reading, over.signal)
  over.abort(new Error('taken away'))
  await expect(assigning).rejects.toThrow('taken away')
  asked.resolve()
  await expect(sinks.assign(['first', 'second'], reading, endsLater.signal)).rejects.toThrow('it is over')
  expect(assigned).toEqual(['first'])
})
