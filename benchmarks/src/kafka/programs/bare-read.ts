import { silentLogger } from '@millrace/core'
import { kafka } from '@millrace/transport-kafka'
import { programConfig, Stopwatch } from './stopwatch.ts'

// Reads a changelog to its end, and does nothing with it: what a restore is held against.
const config = programConfig()
const { brokers, applicationId, changelog, partitions, records } = config
const POLL_MS = 1_000
const stopwatch = new Stopwatch(config)
const source = await kafka({ brokers }).openSource({ clientId: applicationId, isolation: 'read-uncommitted' }, { logger: silentLogger })
stopwatch.read()
await source.assign(Array.from({ length: partitions }, (_, partition) => ({ topic: changelog, partition, offset: 0 })))
for (let read = 0; read < records;) {
  const { batches } = await source.poll(POLL_MS)
  for (const batch of batches) {
    read += batch.length
    batch.release()
  }
}
stopwatch.done()
await source.close()
