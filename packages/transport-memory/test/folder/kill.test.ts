import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { silentLogger, type IsolationLevel, type Transport } from '@millrace/core'
import { expect, it } from 'vitest'
import { memory } from '../../src/index.ts'
import { recordsOf } from '../support/records.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const context = { logger: silentLogger }
const program = (name: string): string => fileURLToPath(new URL(`../programs/${name}`, import.meta.url))

it('keeps what it has promised when its process is killed, at any moment, time and again', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder()
  let promised = 0
  for (const killAfter of [1, 40, 7, 90]) {
    promised = await runAndKill(folder.path, killAfter)
    const transport = memory({ folder: folder.path })
    await using admin = await transport.openAdmin(context)
    const [committed] = await admin.committedOffsets('exact', [{ topic: 'plain', partition: 0 }])
    const exact = committed?.offset ?? 0
    expect(exact).toBeGreaterThanOrEqual(promised)
    // Not a record without the offsets of its transaction, no offsets without the records, in no partition.
    for (const values of await readAll(transport, 'exact', 'read-committed')) expect(values).toEqual(ascending(exact))
    // At least all that was flushed; a batch that was cut off is written once more by the next process.
    for (const values of await readAll(transport, 'plain', 'read-uncommitted')) {
      expect([...new Set(values)].slice(0, promised)).toEqual(ascending(promised))
    }
  }
  expect(promised).toBeGreaterThan(0)
})

/** Lets the program make that many promises, kills it, and returns the last one. */
async function runAndKill(folder: string, promises: number): Promise<number> {
  const child = spawn(process.execPath, [program('run-typescript.mjs'), program('write-until-killed.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let last = 0
  let left = promises
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line)
    left--
    if (left === 0) child.kill('SIGKILL')
  }
  expect(await exited).toEqual([null, 'SIGKILL'])
  return last
}

/** The numbers in each partition. */
async function readAll(transport: Transport, topic: string, isolation: IsolationLevel): Promise<number[][]> {
  await using source = await transport.openSource({ clientId: 'reader', isolation }, context)
  const values: number[][] = [[], [], []]
  await source.assign(values.map((_, partition) => ({ topic, partition, offset: 0 })))
  const told = new Set<number>()
  while (told.size < values.length) {
    const polled = await source.poll(1_000)
    for (const { partition, value } of recordsOf(polled)) values[partition]?.push(Number(value))
    for (const { partition } of polled.ends) told.add(partition)
  }
  return values
}

function ascending(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
