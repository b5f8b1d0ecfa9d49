/**
 * Tests without a broker: the real engine on an embedded log, conformance suites for transports and stores.
 *
 * @packageDocumentation
 */
export { ManualClock } from '@millrace/core'
export { TopologyTestDriver, type TopologyTestDriverOptions } from './driver/topology-test-driver.ts'
export { TestInput, TestOutput, type TestRecord, type TopicSerdes } from './driver/test-topics.ts'
export { settledEndOffsets, type SettledEndOffsetsOptions } from './settled-end-offsets.ts'
export type { StoreConformanceCase, StoreUnderTest } from './store-conformance/conformance-case.ts'
export { storeConformance, storeConformanceCases, type StoreConformanceOptions } from './store-conformance/store-conformance.ts'
export type { ConformanceAssert, ConformanceCase, TransportUnderTest } from './transport-conformance/conformance-case.ts'
export {
  transportConformance,
  transportConformanceCases,
  type TransportConformanceOptions,
} from './transport-conformance/transport-conformance.ts'
