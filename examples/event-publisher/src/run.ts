import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { type Logger, silentLogger, type Transport } from 'millrace'
import { memory } from 'millrace/memory'
import { createPublisher } from 'millrace/publisher'
import { pino } from 'pino'
import { events } from './events.ts'
import { load, type LoadReport } from './load.ts'
import { startService } from './service.ts'

const USAGE = `npm run publisher -- [serve | load] [options]

serve            the service, until Ctrl-C (default)
load             the service, 1,000 POSTs to it, and what came of them
--brokers LIST   a Kafka, as host:port,...; default: an embedded log
--port N         default: 8080; load: any that is free
--posts N        of the load; default: 1,000
--clients N      POSTs at once; default: 100
--help           this text
`

/** Runs the command; resolves to the exit code. `openTransport`: of the brokers that are named, or an embedded log. */
export async function run(args: readonly string[], say: (text: string) => void, openTransport = transportFor): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      brokers: { type: 'string' },
      port: { type: 'string' },
      posts: { type: 'string', default: '1000' },
      clients: { type: 'string', default: '100' },
      help: { type: 'boolean', default: false },
    },
  })
  const [command = 'serve'] = positionals
  if (values.help || (command !== 'serve' && command !== 'load')) {
    say(USAGE)
    return values.help ? 0 : 1
  }
  const logger = command === 'serve' ? pino({ level: 'info' }, pino.destination(2)) : silentLogger
  const transport = await openTransport(values.brokers)
  await createTopics(transport, logger)
  const publisher = createPublisher({ transport, events, logger, clientId: 'event-publisher' })
  const service = await startService(publisher, Number(values.port ?? (command === 'load' ? 0 : 8_080)))
  let code = 0
  if (command === 'load') {
    const report = await load(service.url, { posts: Number(values.posts), clients: Number(values.clients) })
    code = tellLoad(report, publisher.metrics().batch.flushes_total, say)
  } else {
    say(`POST events to ${service.url}/events, look at ${service.url}/status and ${service.url}/metrics. Ctrl-C ends it.\n`)
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  }
  // No more requests first: each of those under way gets its answer.
  const [, { unsent }] = await Promise.all([service.close(), publisher.close()])
  if (unsent.length > 0) say(`${unsent.length} events could not be sent\n`)
  return unsent.length === 0 ? code : 1
}

/** Says what came of a load; returns the exit code: 1 if not every event was published. */
export function tellLoad(
  { published, posts, refused, seconds, p50Ms, p99Ms }: LoadReport,
  flushes: number,
  say: (text: string) => void,
): number {
  say(
    `${published} of ${posts} events published in ${seconds.toFixed(2)} s, ${Math.round(published / seconds)} a second, in ${flushes} flushes\n`,
  )
  say(`a POST took ${p50Ms.toFixed(0)} ms (half of them), ${p99Ms.toFixed(0)} ms (99 of 100)\n`)
  if (published === posts) return 0
  const answers = [...refused].map(([answer, times]) => `${times} with ${answer}`).join(', ')
  say(`${posts - published} of ${posts} events were not published: ${answers}\n`)
  return 1
}

async function transportFor(brokers: string | undefined): Promise<Transport> {
  if (brokers === undefined) return memory()
  const { kafka } = await import('millrace/kafka')
  return kafka({ brokers })
}

async function createTopics(transport: Transport, logger: Logger): Promise<void> {
  const admin = await transport.openAdmin({ logger })
  await admin.createTopics(Object.values(events).map(({ topic }) => ({ topic, partitions: 3 })))
  await admin.close()
}
