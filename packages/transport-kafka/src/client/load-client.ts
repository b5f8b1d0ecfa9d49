import { MillraceError } from '@millrace/core'
import type { RawKafka } from './raw-client.ts'

const PACKAGE = '@confluentinc/kafka-javascript'

/** Loads the native client when it is first needed. Rejects with `KAFKA_CLIENT_MISSING` and what to do. */
export async function loadClient(): Promise<RawKafka> {
  try {
    const loaded = (await import(PACKAGE)) as { default: RawKafka }
    return loaded.default
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const missing = code === 'ERR_MODULE_NOT_FOUND' && message.includes(PACKAGE)
    throw new MillraceError(
      'KAFKA_CLIENT_MISSING',
      missing
        ? `Kafka needs the package ${PACKAGE}, which is not installed: npm install ${PACKAGE}`
        : `The native part of ${PACKAGE} can't be loaded (${message.split('\n')[0]}). It is built when the package is installed: see its README for what that needs, ` +
            `then run npm rebuild ${PACKAGE}. It can't be loaded in worker threads.`,
      { stage: 'source', cause: error },
    )
  }
}
