import { BatchRecordError, defineApp, type RecordBatch, serdes, silentLogger, start, type StreamRecord, TopologyBuilder } from 'millrace'
import { kafka } from 'millrace/kafka'
import type { BatchingConfig, BatchingMessage } from '../support/batching-messages.ts'

// Reads a topic with a processor that knows single records and batches, and tells how it is called. What the environment says is what it is run with.
const config = JSON.parse(String(process.argv[2])) as BatchingConfig
const tell = (message: BatchingMessage) => new Promise((resolve) => process.send?.(message, resolve))

const processor = {
  process({ value }: StreamRecord<number, number>): void {
    void tell({ type: 'call', how: 'process', values: [value] })
    if (value === config.bad) throw new Error(`${value} is bad`)
  },
  processBatch({ values }: RecordBatch<number, number>): void {
    void tell({ type: 'call', how: 'processBatch', values: [...values] })
    const bad = values.findIndex((value) => value === config.bad)
    if (bad >= 0) throw new BatchRecordError(bad, new Error(`${config.bad} is bad`))
  },
}
const builder = new TopologyBuilder('batching')
builder.source('in', { topics: [config.topic], key: serdes.int32, value: serdes.int32 }).process('work', { create: () => processor })
process.on('disconnect', () => process.exit())
try {
  const app = await start(
    defineApp({
      topology: builder.build(),
      applicationId: config.applicationId,
      transport: kafka({ brokers: config.brokers }),
      stateDir: config.stateDir,
      logger: silentLogger,
      batch: config.batch,
      failure: { process: 'skip', retry: { initialDelayMs: 0 } },
      observer: (event) => {
        if (event.type === 'cut') void tell({ type: 'cut', records: event.records, trigger: event.trigger })
      },
    }),
  )
  await app.run()
} catch (error) {
  await tell({ type: 'refused', message: String(error) })
  process.disconnect()
}
