/**
 * Tests without a broker: the real engine on an embedded log, conformance suites for transports and stores.
 *
 * @packageDocumentation
 */
export { ManualClock } from '@millrace/core'
export { TopologyTestDriver, type TopologyTestDriverOptions } from './driver/topology-test-driver.ts'
export { TestInput, TestOutput, type TestRecord, type TopicSerdes } from './driver/test-topics.ts'
