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

export interface ApiVersionsAnswer {
  readonly code: number
  /** Which versions of each request the broker speaks, by the request's key. */
  readonly versions: ReadonlyMap<number, VersionRange>
  /** Levels of what the whole cluster has switched on, by name. */
  readonly features: ReadonlyMap<string, number>
}

const FINALIZED_FEATURES = 2

export function decodeApiVersions(bytes: ArrivedBytes): ApiVersionsAnswer {
  const from = new ByteReader(bytes)
  const code = from.int16()
  const versions = new Map<number, VersionRange>()
  from.array(() => {
    versions.set(from.int16(), { min: from.int16(), max: from.int16() })
    from.tags()
  })
  const features = new Map<string, number>()
  // Answers of brokers that speak only older versions end here.
  if (from.left > 0) {
    from.int32()
    from.tags((tag, field) => {
      if (tag !== FINALIZED_FEATURES) return
      field.array(() => {
        features.set(field.string() ?? '', field.int16())
        field.int16()
        field.tags()
      })
    })
  }
  return { code, versions, features }
}
