import { ByteReader, type ArrivedBytes } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** What every broker from 2.4 on speaks. */
export const API_VERSIONS = { key: 18, version: 3 } as const

export interface VersionRange {
  readonly min: number
  readonly max: number
}

export function encodeApiVersions(): Buffer {
  return new ByteWriter().string('millrace').string('0').noTags().finish()
}

/** Which versions of each request the broker speaks, by the request's key. */
export function decodeApiVersions(bytes: ArrivedBytes): { readonly code: number; readonly versions: ReadonlyMap<number, VersionRange> } {
  const from = new ByteReader(bytes)
  const code = from.int16()
  const versions = new Map<number, VersionRange>()
  from.array(() => {
    versions.set(from.int16(), { min: from.int16(), max: from.int16() })
    from.tags()
  })
  return { code, versions }
}
