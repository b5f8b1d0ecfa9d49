import * as zlib from 'node:zlib'
import { type Codec, tooLarge } from './codec.ts'
import { mostBytesOfZstd } from './zstd-frame.ts'

/** Node has it from 22.15 on; its types here are those of 20. */
interface ZstdOfNode {
  readonly zstdCompressSync?: (bytes: Uint8Array) => Buffer
  readonly zstdDecompressSync?: (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Buffer
}

export function loadZstd(ofNode: ZstdOfNode = zlib as ZstdOfNode): Promise<Codec> {
  const { zstdCompressSync, zstdDecompressSync } = ofNode
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return loadWasm()
  return Promise.resolve({
    compress: (bytes) => zstdCompressSync(bytes),
    decompress: (bytes, limit) => zstdDecompressSync(bytes, { maxOutputLength: limit }),
  })
}

async function loadWasm(): Promise<Codec> {
  const { Zstd } = await import('@hpcc-js/wasm-zstd')
  const library = await Zstd.load()
  return {
    compress: (bytes) => library.compress(bytes),
    decompress(bytes, limit) {
      const most = mostBytesOfZstd(bytes)
      if (most > limit) throw tooLarge(limit)
      // Frames need not say how long they become, which its `decompress` relies on.
      library.reset()
      return library.decompressChunk(bytes, most)
    },
  }
}
