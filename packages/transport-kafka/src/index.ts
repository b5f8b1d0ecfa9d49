/**
 * Apache Kafka behind Millrace's transport port.
 *
 * @packageDocumentation
 */
export { kafka } from './kafka.ts'
export type { ClientProperties, KafkaOptions } from './kafka-options.ts'
