import { ByteReader, type ArrivedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** The one version that everything from 2.4 to 4.1 speaks. */
export const FIND_COORDINATOR = { key: 10, version: 3 } as const

const TYPES = ['group', 'transaction'] as const

/** What a broker coordinates. */
export type CoordinatedType = (typeof TYPES)[number]

export interface CoordinatorAnswer {
  readonly code: number
  readonly node: number
  readonly host: string
  readonly port: number
}

/** `name`: of the group, or the transactional id. */
export function encodeFindCoordinator(name: string, type: CoordinatedType = 'group'): Buffer {
  return new ByteWriter().string(name).int8(TYPES.indexOf(type)).noTags().finish()
}

/** Throws a `RangeError` when it is cut off. */
export function decodeFindCoordinator(bytes: ArrivedBytes): CoordinatorAnswer {
  const from = new ByteReader(bytes)
  from.int32()
  const code = from.int16()
  from.string()
  return { code, node: from.int32(), host: from.string() ?? '', port: from.int32() }
}
