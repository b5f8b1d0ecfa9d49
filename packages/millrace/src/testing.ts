/**
 * Tests without a broker: the real engine on an embedded log.
 *
 * @packageDocumentation
 */
export {
  settledEndOffsets,
  type SettledEndOffsetsOptions,
  storeConformance,
  transportConformance,
  ManualClock,
  TestInput,
  TestOutput,
  type TestRecord,
  TopologyTestDriver,
  type TopologyTestDriverOptions,
  type TopicSerdes,
} from '@millrace/testing'
