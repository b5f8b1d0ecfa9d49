/**
 * Apache Kafka as the transport. The native client is loaded when something is opened.
 *
 * @packageDocumentation
 */
export { kafka, type KafkaOptions } from '@millrace/transport-kafka'
