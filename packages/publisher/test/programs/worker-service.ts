import { createPublisher, event } from '@millrace/publisher'
import { events as plain } from '../modules/worker-events.ts'
import { notingEnds } from '../modules/noting-ends.ts'

const [folder, file, mode] = process.argv.slice(2) as [string, string, 'pending' | 'stuck' | 'starting']

const log = (about: object, message?: string) => {
  if (message === 'a worker of the publisher was started') process.stdout.write(`worker ${(about as { readonly pid: number }).pid}\n`)
}
const worker = { execArgv: ['--import', 'tsx', '--conditions=@millrace/source'] }
const never = new URL('../modules/never-ready.ts', import.meta.url)
const publisher = createPublisher({
  transport: notingEnds({ folder, file, stuck: mode === 'stuck' ? ['a'] : [] }),
  environment: {},
  closeTimeoutMs: mode === 'starting' ? 0 : 30_000,
  batch: { size: 100, timeoutMs: 60_000 },
  logger: { debug: log, info: log, warn: log, error: log },
  events: mode === 'starting' ? plain : { a: event<{ n: number }>({ topic: 'a' }), b: event<{ n: number }>({ topic: 'b' }) },
  worker: mode === 'starting' ? { ...worker, events: never } : worker,
})
for (let n = 0; n < 3; n++) void publisher.publish('a', { n })
// What is published to another topic behind them is written: then the worker has them.
if (mode !== 'starting') {
  await publisher.publish('b', { n: 3 }, { critical: true })
  process.stdout.write('handed over\n')
}
setInterval(() => undefined, 1_000)
