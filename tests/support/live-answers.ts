import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

const TYPES: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript', css: 'text/css' }

/** Serves the dashboard's files with answers made up, for what no small application shows. */
export async function serveAnswers(folder: string, answer: () => object): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    const name = path === '/' ? 'index.html' : path.slice(1)
    if (name === 'live.json') return void response.setHeader('content-type', 'application/json').end(JSON.stringify(answer()))
    readFile(join(folder, name)).then(
      (file) => response.setHeader('content-type', TYPES[name.split('.').at(-1) ?? ''] ?? 'text/plain').end(file),
      () => response.writeHead(404).end(),
    )
    return undefined
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}/`, close }
}

/** An application of many nodes and partitions. */
export function manyPartitions(partitions: number, nodes: number): object {
  const kindOf = (i: number) => (i % 10 === 0 ? 'source' : i % 10 === 9 ? 'sink' : 'processor')
  const names = Array.from({ length: nodes }, (_, i) => `${kindOf(i)}-${i}`)
  const edges = names.flatMap((from, i) => (i % 10 === 9 || i + 1 === nodes ? [] : [{ from, to: names[i + 1] as string, output: '' }]))
  return {
    application: 'many',
    now: Date.now(),
    readiness: { ready: true, state: 'running', problems: [] },
    graph: {
      nodes: names.map((name, i) => ({ name, kind: kindOf(i), subTopology: Math.floor(i / 10), topics: [`topic-${i}`], stores: [] })),
      edges,
    },
    nodes: Object.fromEntries(names.map((name) => [name, 100])),
    edges: edges.map(({ from, to }) => ({ from, to, records: 100 })),
    partitions: Array.from({ length: partitions }, (_, partition) => ({
      task: `0_${partition}`,
      state: 'running',
      topic: 'orders',
      partition,
      position: 10,
      waitingRecords: partition % 7,
      batchSize: 100,
      circuits: {},
      lag: (partition * 37) % 1_000,
      inFlight: partition % 2,
      lastBatch: 50,
      triggers: partition === 0 ? { order: 2, punctuate: 1, records: 1 } : { records: 3, age: 1 },
    })),
    stores: [],
    restores: [{ task: '0_0', store: 'counts', phase: 'progress', restoredRecords: 30, remainingRecords: 70, durationMs: 100 }],
    standbys: [
      { task: '1_0', store: 'counts', phase: 'caught-up', remainingRecords: 0, writtenRecords: 1_200 },
      { task: '1_1', store: 'counts', phase: 'failed', remainingRecords: 70, writtenRecords: 0 },
    ],
    deadLetters: [],
    changes: [],
  }
}
