import { serdes } from '@millrace/core'
import { ClassicLevel } from 'classic-level'
import { inFolder } from './open-task-store.ts'

type Database = ClassicLevel<string, Uint8Array>

const { serialize, deserialize } = serdes.safeInt64

/** The number in a value that was read; throws where there is none, so that no benchmark measures misses. */
export function numberIn(value: Uint8Array | undefined): number {
  if (value === undefined) throw new Error('An entry is missing.')
  return deserialize(value, 0, value.byteLength)
}

export function bytesOf(value: number): Uint8Array {
  return serialize(value) as Uint8Array
}

/** classic-level as one uses it without Millrace: text keys, values of eight bytes. */
export function openClassicLevel(parent: string): Promise<Database> {
  return inFolder(parent, async (folder) => {
    const database: Database = new ClassicLevel(folder, { keyEncoding: 'utf8', valueEncoding: 'view' })
    await database.open()
    return database
  })
}

export async function putAll(database: Database, keys: readonly string[]): Promise<void> {
  const batch = database.batch()
  for (let i = 0; i < keys.length; i++) batch.put(keys[i] as string, bytesOf(i))
  await batch.write()
}
