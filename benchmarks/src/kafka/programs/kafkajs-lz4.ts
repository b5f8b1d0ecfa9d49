import kafkajs from 'kafkajs'
import { compressFrameSync, decompressFrameSync } from 'lz4-napi'

/** Gives kafkajs the codec that the other programs compress with: of its own it has none but gzip. */
export function useLz4(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
    compress: ({ buffer }: { readonly buffer: Buffer }) => Promise.resolve(compressFrameSync(buffer)),
    decompress: (buffer: Buffer) => Promise.resolve(decompressFrameSync(buffer)),
  })
}
