import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesAt, MillraceError, type RecordWriter, silentLogger, type Transport } from '@millrace/core'
import { memory } from 'millrace/memory'
import { describe, expect, test } from 'vitest'
import { TextFile } from '../../src/text/text-file.ts'
import { writeLines } from '../../src/text/write-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const context = { logger: silentLogger }
const never = new AbortController().signal

interface Row {
  readonly key: string | null
  readonly value: string
}

async function rowsOf(transport: Transport, topic: string, length: number): Promise<Row[]> {
  await using source = await transport.openSource({ clientId: 'test', isolation: 'read-committed' }, context)
  await source.assign([{ topic, partition: 0, offset: 0 }])
  const rows: Row[] = []
  while (rows.length < length) {
    for (const batch of (await source.poll(1_000)).batches) {
      for (let i = 0; i < batch.length; i++) {
        const [key, value] = [bytesAt(batch.keys, i), bytesAt(batch.values, i)]
        rows.push({ key: key && Buffer.from(key).toString('latin1'), value: Buffer.from(value ?? []).toString('latin1') })
      }
      batch.release()
    }
  }
  return rows
}

async function writeText(transport: Transport, bytes: Uint8Array, config: Readonly<Record<string, string>> = {}): Promise<number> {
  await using folder = await temporaryFolder()
  await using admin = await transport.openAdmin(context)
  await admin.createTopics([{ topic: 'lines', partitions: 1, config }])
  const path = join(folder.path, 'text')
  await writeFile(path, bytes)
  await using text = await TextFile.open(path)
  await using writer: RecordWriter = await transport.openWriter({ clientId: 'test' }, context)
  return await writeLines({ text, topic: 'lines', writer, signal: never })
}

describe('writing a text to a topic', () => {
  test('makes a record of each line, empty ones too, without a key, byte for byte, in order', async () => {
    const transport = memory()
    const written = await writeText(transport, Buffer.from('first\r\n\n\xff\xc3\nlast', 'latin1'))
    expect(written).toBe(4)
    expect(await rowsOf(transport, 'lines', 4)).toEqual(['first', '', '\xff\xc3', 'last'].map((value) => ({ key: null, value })))
  })

  test('of no lines writes nothing', async () => {
    expect(await writeText(memory(), new Uint8Array())).toBe(0)
  })

  test('fails when a line is refused, and says why', async () => {
    const writing = writeText(memory(), Buffer.from(`short\n${'long'.repeat(100)}\n`), { 'max.message.bytes': '100' })
    await expect(writing).rejects.toThrow(/^1 line of '.*' could not be written to topic 'lines'$/)
    await expect(writing).rejects.toMatchObject({ cause: { message: expect.stringContaining('too large') as string } })
  })

  test('waits for a writer that is behind', async () => {
    let inFlight = 0
    let most = 0
    const transport = memory({
      faults: {
        before: (operation) => {
          if (operation.type === 'write') most = Math.max(most, ++inFlight)
        },
        after: (operation) => {
          if (operation.type === 'write') inFlight--
        },
      },
    })
    expect(await writeText(transport, Buffer.from('0123456789\n'.repeat(200_000)))).toBe(200_000)
    expect(most).toBe(1)
  })

  test('fails with what the writer says', async () => {
    const refusal = new MillraceError('WRITE_FAILED', 'the disk is full', { stage: 'sink' })
    const transport = memory({
      faults: {
        before: (operation) => {
          if (operation.type === 'write') throw refusal
        },
      },
    })
    await expect(writeText(transport, Buffer.from('a\n'))).rejects.toBe(refusal)
  })
})
