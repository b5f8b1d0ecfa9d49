import { type Headers, silentLogger } from '@millrace/core'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TracingOptions } from '../../src/trace/tracing-options.ts'
import { CountingApp, type CountingOptions } from '../support/counting-app.ts'

const manager = new AsyncLocalStorageContextManager()
beforeAll(() => context.setGlobalContextManager(manager.enable()))
afterAll(() => context.disable())

const traceId = (n: number) => String(n).padStart(32, 'a')
const parentOf = (n: number) => `00-${traceId(n)}-${String(n).padStart(16, 'b')}-01`
const traced = (n: number) => ({ key: `k${n}`, partition: 0, headers: { traceparent: parentOf(n), tracestate: `a=${n}`, other: 'x' } })

function inMemory(options: TracingOptions = {}) {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const tracer = provider.getTracer('test')
  return { exporter, tracer, tracing: { tracer, ...options } }
}

/** Headers of what is in a topic. */
async function headersIn(running: CountingApp, topic: string): Promise<Record<string, string>[]> {
  const source = await running.transport.openSource({ clientId: 'reads', isolation: 'read-committed' }, { logger: silentLogger })
  await source.assign([{ topic, partition: 0, offset: 0 }])
  const found: Record<string, string>[] = []
  for (let more = true; more;) {
    const { batches, ends } = await source.poll(100)
    for (const batch of batches)
      for (let i = 0; i < batch.length; i++) {
        const headers: Headers = batch.headers?.[i] ?? []
        found.push(Object.fromEntries(headers.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()])))
      }
    more = ends.length === 0
  }
  await source.close()
  return found
}

async function processed(records: Parameters<CountingApp['write']>[0], options: CountingOptions) {
  const running = await CountingApp.start(options)
  await running.write(records)
  await running.app.caughtUp()
  return running
}

test('a batch has one span, linked to the traces of its records; each record goes on in its own, or else in that of the batch', async () => {
  const { exporter, tracing } = inMemory({ outputs: 'record-or-span' })
  await using running = await processed([traced(1), traced(2), traced(2), { key: 'without', partition: 0 }], { telemetry: { tracing } })
  const [span, ...others] = exporter.getFinishedSpans()
  expect(others).toEqual([])
  expect(span).toMatchObject({
    name: 'process in',
    kind: 4,
    parentSpanContext: undefined,
    attributes: {
      'messaging.system': 'memory',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'in',
      'messaging.destination.partition.id': '0',
      'messaging.consumer.group.name': 'counting',
      'messaging.batch.message_count': 4,
      'millrace.outcome': 'done',
    },
  })
  expect(span?.links.map(({ context: of }) => of.traceId)).toEqual([traceId(1), traceId(2)])
  const { traceId: own, spanId } = span?.spanContext() ?? { traceId: '', spanId: '' }
  expect(await headersIn(running, 'out')).toEqual([
    { traceparent: parentOf(1), tracestate: 'a=1', other: 'x' },
    { traceparent: parentOf(2), tracestate: 'a=2', other: 'x' },
    { traceparent: parentOf(2), tracestate: 'a=2', other: 'x' },
    { traceparent: `00-${own}-${spanId}-01` },
  ])
})

test('however few traces are linked, a batch of several is a part of none of them', async () => {
  for (const [maxLinks, links] of [
    [1, [traceId(1)]],
    [0, []],
  ] as const) {
    const { exporter, tracing } = inMemory({ maxLinks })
    await using running = await processed([traced(1), traced(2)], { telemetry: { tracing } })
    expect(running.app.state).toBe('running')
    const [span] = exporter.getFinishedSpans()
    expect(span?.parentSpanContext).toBeUndefined()
    expect(span?.links.map(({ context: of }) => of.traceId)).toEqual(links)
  }
})

test('records of one trace alone make the batch a part of it, and what a processor starts is a part of the batch', async () => {
  const { exporter, tracer, tracing } = inMemory({ outputs: 'span' })
  const before = () => {
    tracer.startSpan('inner').end()
  }
  const baggage = { ...traced(7).headers, baggage: 'tenant=1' }
  await using running = await processed([{ ...traced(7), headers: baggage }, traced(7)], { telemetry: { tracing }, before })
  const spans = exporter.getFinishedSpans()
  const batch = spans.find(({ name }) => name === 'process in')
  expect(batch).toMatchObject({ parentSpanContext: { traceId: traceId(7) } })
  const inner = spans.filter(({ name }) => name === 'inner')
  expect(inner.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([batch, batch].map((one) => one?.spanContext().spanId))
  // outputs: 'span'
  const expected = `00-${traceId(7)}-${batch?.spanContext().spanId}-01`
  expect(await headersIn(running, 'out')).toEqual([
    { traceparent: expected, tracestate: 'a=7', other: 'x', baggage: 'tenant=1' },
    { traceparent: expected, tracestate: 'a=7', other: 'x' },
  ])
  expect(trace.getActiveSpan()).toBeUndefined()
})

test('dead letters go on in the trace of their record, and a batch that fails says why in its span', async () => {
  const { exporter, tracing } = inMemory()
  const failure = { process: 'dead-letter', deadLetter: { topic: 'dead' } } as const
  const options = { telemetry: { tracing }, definition: { failure, batch: { size: 10, timeoutMs: 1, maxRetries: 0 } } }
  const before = ({ key }: { key: string }) => {
    if (key === 'k1') throw new Error('refused')
  }
  await using running = await processed([traced(1), traced(2)], { ...options, before })
  expect(await headersIn(running, 'dead')).toMatchObject([{ traceparent: parentOf(1), tracestate: 'a=1' }])
  expect(exporter.getFinishedSpans()).toMatchObject([{ attributes: { 'millrace.records.given_up': 1 } }])

  const { exporter: second, tracing: again } = inMemory()
  await using failing = await CountingApp.start({
    telemetry: { tracing: again },
    definition: { batch: { size: 10, timeoutMs: 1, maxRetries: 0 } },
    before,
  })
  await failing.write([traced(1)])
  await expect(failing.ended).rejects.toThrow('refused')
  expect(second.getFinishedSpans()).toMatchObject([
    { status: { code: 2 }, events: [{ name: 'exception' }], attributes: { 'error.type': 'PROCESSING_FAILED' } },
  ])
})

test('by default records without a trace are written without one', async () => {
  const { exporter, tracing } = inMemory()
  await using running = await processed([{ key: 'without', partition: 0 }], { telemetry: { tracing } })
  expect(exporter.getFinishedSpans()).toHaveLength(1)
  expect(await headersIn(running, 'out')).toEqual([{}])
})

test('spans are bounded a second; traces of records go on without them', async () => {
  const { exporter, tracing } = inMemory({ maxSpansPerSecond: 0 })
  await using running = await processed([traced(1), { key: 'without', partition: 0 }], { telemetry: { tracing } })
  expect(exporter.getFinishedSpans()).toEqual([])
  expect(await headersIn(running, 'out')).toEqual([{ traceparent: parentOf(1), tracestate: 'a=1', other: 'x' }, {}])
})

test('a monitor of data streams sees what is read, and adds its checkpoint to all that is written', async () => {
  const read: string[] = []
  const checkpoints = {
    consumed: ({
      topic,
      group,
      length,
      headersOf,
    }: {
      topic: string
      group: string
      length: number
      headersOf: (i: number) => Headers
    }) => {
      read.push(`${topic} ${group} ${length} ${headersOf(0).length}`)
    },
    produced: ({ topic }: { topic: string }, carrier: Record<string, string | Uint8Array>) => {
      carrier['dd-pathway-ctx'] = `to ${topic}`
    },
  }
  await using running = await processed([traced(1), { key: 'without', partition: 0 }], { telemetry: { checkpoints } })
  expect(read).toEqual(['in counting 2 3'])
  expect((await headersIn(running, 'out')).map((headers) => headers['dd-pathway-ctx'])).toEqual(['to out', 'to out'])
})

test('a checkpoint that throws costs its headers and nothing else', async () => {
  const checkpoints = {
    produced: () => {
      throw new Error('no agent')
    },
  }
  await using running = await processed([traced(1), { key: 'without', partition: 0 }], { telemetry: { checkpoints } })
  expect(await headersIn(running, 'out')).toEqual([{ traceparent: parentOf(1), tracestate: 'a=1', other: 'x' }, {}])
})
