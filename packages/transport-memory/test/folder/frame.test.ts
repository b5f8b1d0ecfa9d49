import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frameOf, scanFrames } from '../../src/folder/frame.ts'

const payloads = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 })
const fileOf = (contents: readonly Uint8Array[]): Buffer => Buffer.concat(contents.map(frameOf))

describe('frames', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(payloads, (contents) => {
        const file = fileOf(contents)
        const scan = scanFrames(file)
        expect(scan.payloads.map((payload) => Uint8Array.from(payload))).toEqual(contents)
        expect([scan.wholeBytes, scan.rest]).toEqual([file.length, 'nothing'])
      }),
    )
  })

  it('that are cut anywhere are read up to the last whole one', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), (contents, cut) => {
        const file = fileOf(contents)
        const size = cut % (file.length + 1)
        const scan = scanFrames(file.subarray(0, size))
        let whole = 0
        let bytes = 0
        for (const content of contents) {
          if (bytes + content.length + 8 > size) break
          bytes += content.length + 8
          whole++
        }
        expect([scan.payloads.length, scan.wholeBytes]).toEqual([whole, bytes])
        expect(scan.rest).toBe(bytes === size ? 'nothing' : 'torn')
      }),
    )
  })

  it('never yield a changed payload', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), fc.nat(7), (contents, at, bit) => {
        fc.pre(contents.length > 0)
        const file = fileOf(contents)
        const index = at % file.length
        file[index] = (file[index] as number) ^ (1 << bit)
        const read = scanFrames(file).payloads.map((payload) => Uint8Array.from(payload))
        expect(read).toEqual(contents.slice(0, read.length))
        expect(read.length).toBeLessThan(contents.length)
      }),
    )
  })

  it('tell damage in the middle from a torn end', () => {
    const file = fileOf([Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)])
    const middle = Buffer.from(file)
    middle[9] = 0
    expect(scanFrames(middle).rest).toBe('corrupt')
    const end = Buffer.from(file)
    end[20] = 0
    expect(scanFrames(end).rest).toBe('torn')
  })
})
