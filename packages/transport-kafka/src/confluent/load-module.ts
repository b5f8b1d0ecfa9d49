import { MillraceError } from '@millrace/core'
import type { RawModule } from './raw-api.ts'

const PACKAGE = '@confluentinc/kafka-javascript'
const FROM_SOURCE =
  'it is built with a C++ compiler, make and python3, the Debian packages libssl-dev, libcurl4-openssl-dev, libsasl2-dev, libzstd-dev and zlib1g-dev, ' +
  'and CKJS_LINKING=dynamic in the environment of npm'

/** Loads the library when it is first needed: importing this package must work where it could not be built. */
export async function loadModule(importModule: () => Promise<unknown> = () => import(PACKAGE)): Promise<RawModule> {
  try {
    const { default: library } = (await importModule()) as { readonly default: RawModule }
    return library
  } catch (error) {
    throw new MillraceError('KAFKA_CLIENT_MISSING', explain(error), { stage: 'source', cause: error })
  }
}

function explain(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  const [reason = ''] = String(message).split('\n')
  if (code === 'ERR_MODULE_NOT_FOUND' && reason.includes(PACKAGE)) {
    return (
      `The client 'confluent' needs the package ${PACKAGE}, which is not installed. Install it beside millrace: npm install ${PACKAGE}; or use ` +
      `the client 'packed', which needs Node 20.19.4, 22.18.0, 24.6.0 or newer and no package. ` +
      `If that fails because no binary can be downloaded: ${FROM_SOURCE}.`
    )
  }
  if (reason.includes('did not self-register')) {
    return `The Kafka client ${PACKAGE} can't be loaded in a worker thread. Use the client 'packed', or a process for each application.`
  }
  return (
    `The native part of ${PACKAGE} can't be loaded (${reason}). Build it again: npm rebuild ${PACKAGE}. ` +
    `Where no binary can be downloaded: ${FROM_SOURCE}.`
  )
}
