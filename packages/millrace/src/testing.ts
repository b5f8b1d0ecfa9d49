/**
 * Tests without a broker: the real engine on an embedded log.
 *
 * @packageDocumentation
 */
export {
  ManualClock,
  TestInput,
  TestOutput,
  type TestRecord,
  TopologyTestDriver,
  type TopologyTestDriverOptions,
  type TopicSerdes,
} from '@millrace/testing'
