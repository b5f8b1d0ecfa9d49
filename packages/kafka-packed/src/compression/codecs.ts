import { type Codec, type Compression, COMPRESSIONS } from './codec.ts'
import { gzip } from './gzip.ts'
import { loadLz4 } from './lz4.ts'
import { loadSnappy } from './snappy.ts'
import { loadZstd } from './zstd.ts'

const LOADERS: Readonly<Record<Exclude<Compression, 'none'>, () => Promise<Codec>>> = {
  gzip: () => Promise.resolve(gzip),
  snappy: loadSnappy,
  lz4: loadLz4,
  zstd: () => loadZstd(),
}

const loaded = new Map<Compression, Codec>()
const loading = new Map<Compression, Promise<void>>()

/** Makes a way of compressing ready to be used: only who meets it loads its library. Rejects when that can't be loaded, and tries again when asked again. */
export async function loadCodec(compression: Compression): Promise<void> {
  if (compression === 'none' || loaded.has(compression)) return
  const under = loading.get(compression) ?? load(compression)
  loading.set(compression, under)
  await under
}

async function load(compression: Exclude<Compression, 'none'>): Promise<void> {
  try {
    loaded.set(compression, await LOADERS[compression]())
  } catch (error) {
    throw new Error(`The library for records that are compressed by ${compression} can't be loaded: ${(error as Error).message}.`, {
      cause: error,
    })
  } finally {
    loading.delete(compression)
  }
}

/** Whether {@link codecOf} has it. */
export function isLoaded(compression: Compression): boolean {
  return compression === 'none' || loaded.has(compression)
}

/** A codec that {@link loadCodec} has made ready. */
export function codecOf(compression: Exclude<Compression, 'none'>): Codec {
  const codec = loaded.get(compression)
  if (codec === undefined) throw new TypeError(`loadCodec('${compression}') comes before its use`)
  return codec
}

/** By the number that a batch's attributes say; absent: there is none of this number. */
export function compressionOf(attributes: number): Compression | undefined {
  return COMPRESSIONS[attributes & 7]
}
