import { expect, test } from 'vitest'
import type { BatchStatus } from '@millrace/publisher'
import { metricsOf, PublisherCounts } from '../src/publisher-metrics.ts'
import { WorkerReport } from '../src/worker/worker-report.ts'

const limits = { batchSize: 50, maxBatchSize: 200, batchTimeoutMs: 500 }
const own = { now: 1_000, events: 5, bytes: 500, waitingForRoom: 0, outgoingSince: Infinity, limits }
const nothing = { pendingEvents: 0, pendingBytes: 0, oldestAgeMs: 0, inFlight: 0, waitingForRoom: 0 }
const status: BatchStatus = { ...limits, ...nothing, degraded: false, degradedTopics: [], circuits: {} }
const toldBy = (how: Partial<BatchStatus>, bufferedBytes: number) => {
  const told = { ...status, ...how }
  return { status: told, metrics: metricsOf(told, new PublisherCounts(), { bufferedBytes, scheduled: false }) }
}

test('what the worker has not spoken of yet is pending, since it was published', () => {
  const report = new WorkerReport()
  expect(report.statusWith(own)).toMatchObject({ pendingEvents: 5, pendingBytes: 500, oldestAgeMs: 0, batchSize: 50 })
  expect(report.statusWith({ ...own, outgoingSince: 990 })).toMatchObject({ oldestAgeMs: 10 })
  report.handedOver(980)
  report.handedOver(985)
  expect(report.statusWith({ ...own, outgoingSince: 990 })).toMatchObject({ oldestAgeMs: 20 })
})

test('what is on its way is not pending: neither its bytes nor its age count', () => {
  const report = new WorkerReport()
  report.handedOver(100)
  report.told(toldBy({ pendingEvents: 2, pendingBytes: 200, oldestAgeMs: 70, inFlight: 3 }, 500), 990)
  expect(report.statusWith(own)).toMatchObject({ pendingEvents: 2, pendingBytes: 200, oldestAgeMs: 80, inFlight: 3 })
  // Another that is about to go there.
  expect(report.statusWith({ ...own, events: 6, bytes: 600, outgoingSince: 999 })).toMatchObject({ pendingBytes: 300, oldestAgeMs: 80 })
  report.told(toldBy({ inFlight: 5 }, 500), 1_000)
  expect(report.statusWith(own)).toMatchObject({ pendingEvents: 0, pendingBytes: 0, oldestAgeMs: 0, inFlight: 5 })
  report.clear()
  expect(report.statusWith({ ...own, events: 0, bytes: 0 })).toMatchObject({ pendingEvents: 0, inFlight: 0, pendingBytes: 0 })
})
