import { randomFillSync } from 'node:crypto'
import { decompressFrameSync } from 'lz4-napi'
import { describe, expect, it } from 'vitest'
import { loadLz4 } from '../../src/compression/lz4.ts'

const KIB = 1_024
const BLOCKS = [64, 256, 1_024, 4_096].map((kib) => kib * KIB)

describe('frames of lz4', () => {
  it.each([0, 1, ...BLOCKS.flatMap((bytes) => [bytes, bytes + 1])])('are read by others, of %i bytes', async (length) => {
    const codec = await loadLz4()
    const regular = Buffer.alloc(length, 'all the same ')
    // Such a block takes less room as it is.
    const random = randomFillSync(Buffer.alloc(length))
    for (const bytes of [regular, random]) expect(decompressFrameSync(Buffer.from(codec.compress(bytes))).equals(bytes)).toBe(true)
    expect(codec.compress(random).length).toBeLessThan(length + 64)
    expect(codec.compress(regular).length).toBeLessThan(Math.max(64, length / 20))
  })
})
