import type { MillraceError } from '@millrace/core'
import { parallelBatch } from '../../src/index.ts'
import { functions, Running } from '../support/run.ts'

// Ends by itself: neither threads that nobody closed keep it, nor a function that never returns.

await Running.start(parallelBatch({ module: functions, threads: 2 }))
console.log('idle threads')

const running = await Running.start(parallelBatch({ module: functions, export: 'endless', threads: 2 }))
const count = new Int32Array(new SharedArrayBuffer(4))
const batch = running.run([count]).then(
  () => 'returned',
  (error: unknown) => (error as MillraceError).code,
)
while (Atomics.load(count, 0) === 0) await new Promise((resolve) => setImmediate(resolve))
await running.close()
console.log(`closed in flight: ${await batch}`)
