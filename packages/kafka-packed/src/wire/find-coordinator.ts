import { ByteReader, type ArrivedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** The one version that everything from 2.4 to 4.1 speaks. */
export const FIND_COORDINATOR = { key: 10, version: 3 } as const

const GROUP = 0

export interface CoordinatorAnswer {
  readonly code: number
  readonly node: number
  readonly host: string
  readonly port: number
}

export function encodeFindCoordinator(groupId: string): Buffer {
  return new ByteWriter().string(groupId).int8(GROUP).noTags().finish()
}

/** Throws a `RangeError` when it is cut off. */
export function decodeFindCoordinator(bytes: ArrivedBytes): CoordinatorAnswer {
  const from = new ByteReader(bytes)
  from.int32()
  const code = from.int16()
  from.string()
  return { code, node: from.int32(), host: from.string() ?? '', port: from.int32() }
}
