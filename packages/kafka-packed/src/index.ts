/**
 * A Kafka client that reads and writes whole batches as columns.
 *
 * @packageDocumentation
 */
export { type Codec, type Compression, COMPRESSIONS } from './compression/codec.ts'
export { isLoaded, loadCodec } from './compression/codecs.ts'
export type { AbortedTransaction } from './records/aborted-transactions.ts'
export { BatchBuilder, type ProducerStamp, SealedBatch, type WritableColumns } from './records/batch-builder.ts'
export { BatchReader, type BatchReaderOptions } from './records/batch-reader.ts'
export { MalformedBatchError } from './records/malformed-batch-error.ts'
export { type RecordColumns, sliceRecords } from './records/record-columns.ts'
export type { BrokerAddress, ConnectOptions } from './cluster/connection-options.ts'
export { PackedError, type PackedErrorDetails, type PackedErrorKind } from './errors/packed-error.ts'
export type { OffsetQuestion } from './read/list-offsets.ts'
export type { FetchCounts } from './read/fetcher.ts'
export { PackedReader, type ReaderStatistics } from './read/packed-reader.ts'
export type { ReadPosition } from './read/read-position.ts'
export type { ReadBatch, ReadFailure, ReadResult } from './read/read-result.ts'
export type { ReaderOptions } from './read/reader-options.ts'
export { PackedWriter, type WriteColumns } from './write/packed-writer.ts'
export type { OnDelivered, RecordDelivery } from './write/record-delivery.ts'
export type { FailedRecord, RefusedRecord, WriteFailed } from './write/write-failed.ts'
export type { GroupMembership } from './wire/transactions.ts'
export type { WriterOptions } from './write/writer-options.ts'
