// What a worker thread begins with. In JavaScript, so that it needs no build where the rest runs from its sources.

import { workerData } from 'node:worker_threads'

/** @typedef {import('./thread-main.ts').ThreadData} ThreadData */

const { millraceThread: data } = /** @type {{ readonly millraceThread: ThreadData }} */ (workerData)

try {
  if (data.loader !== undefined) {
    // What compiles TypeScript in the main thread does not reach others.
    const typescript = /** @type {{ readonly register: (this: void) => unknown }} */ (await import(data.loader))
    typescript.register()
  }
  const { runThread } = /** @type {typeof import('./thread-main.ts')} */ (await import(data.main))
  await runThread(data)
} catch (error) {
  const { name, message, stack, code } = /** @type {Error & { code?: string }} */ (error)
  data.channel.postMessage({ news: { type: 'not-started', error: { name, message, stack, code } } })
}
