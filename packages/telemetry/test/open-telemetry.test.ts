import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { expect, onTestFinished, test, vi } from 'vitest'
import { exportTo } from '../src/metrics/open-telemetry.ts'
import { Recorder } from '../src/metrics/recorder.ts'
import { CountingApp } from './support/counting-app.ts'

test('metrics go through an OpenTelemetry meter under dotted names, with the same kinds and labels', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  const telemetry = { meter: provider.getMeter('test'), compatibleNames: { prefix: 'orders.' }, sampleEveryMs: 1 }
  await using running = await CountingApp.start({ telemetry })
  await running.write([{ key: 'a' }, { key: 'a' }, { key: 'a' }])
  await running.app.caughtUp()
  await reader.forceFlush()
  const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
  const pointsOf = (name: string) =>
    metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints.map(({ attributes, value }) => ({ attributes, value }))
  expect(pointsOf('millrace.records')).toContainEqual({
    attributes: { application: 'counting', stage: 'process', node: 'count', topic: 'in' },
    value: 3,
  })
  expect(pointsOf('orders.messages.processed.count')).toEqual([
    { attributes: { application: 'counting', topic: 'in', status: 'success' }, value: 3 },
    { attributes: { application: 'counting', topic: 'in', status: 'failed' }, value: 0 },
  ])
  expect(pointsOf('millrace.lag.records')).toHaveLength(2)
  const kinds = Object.fromEntries(metrics.map(({ descriptor, dataPointType }) => [descriptor.name, `${dataPointType} ${descriptor.unit}`]))
  // 0: histogram, 2: gauge, 3: sum
  expect(kinds).toMatchObject({ 'millrace.pass': '0 s', 'millrace.lag.records': '2 {record}', 'millrace.passes': '3 {pass}' })
  expect(kinds).toMatchObject({ 'orders.batch.size': '0 {record}', 'orders.batch.processing.duration': '0 s' })
  await provider.shutdown()
})

test('of many measurements of a histogram some are recorded, since each costs; of few, all, and counters miss none', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  const recorder = new Recorder({ application: 'app', compatible: undefined, storesOf: () => [] })
  const { commit, committed } = recorder.families
  const stop = exportTo(provider.getMeter('test'), [commit, committed], async () => undefined)
  /** What there is after so many more measurements. */
  const measured = async (times: number) => {
    for (let i = 0; i < times; i++) {
      commit.of('app').observe(0.01)
      committed.of('app').add(1)
    }
    exporter.reset()
    await reader.forceFlush()
    const metrics = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    return metrics.map(({ dataPoints: [point] }) =>
      typeof point?.value === 'object' && 'count' in point.value ? point.value.count : point?.value,
    )
  }
  expect(await measured(80)).toEqual([80, 80])
  expect(await measured(5_000)).toEqual([100, 5_080])
  vi.advanceTimersByTime(200)
  expect(await measured(5_000)).toEqual([120, 10_080])
  vi.advanceTimersByTime(60_000)
  expect(await measured(5_000)).toEqual([220, 15_080])
  stop()
  expect((await measured(10))[0]).toBe(220)
  await provider.shutdown()
})
