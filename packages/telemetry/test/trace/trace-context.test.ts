import { expect, test } from 'vitest'
import { parseTraceparent } from '../../src/trace/trace-context.ts'

const parse = (text: string) => parseTraceparent(Buffer.from(text))
const id = '0af7651916cd43dd8448eb211c80319c'
const span = 'b7ad6b7169203331'

test('a traceparent is read, of later versions too', () => {
  expect(parse(`00-${id}-${span}-01`)).toEqual({ traceId: id, spanId: span, traceFlags: 1, isRemote: true })
  expect(parse(`00-${id}-${span}-00`)).toMatchObject({ traceFlags: 0 })
  expect(parse(`01-${id}-${span}-03-more`)).toMatchObject({ traceId: id, traceFlags: 1 })
})

test.each([
  ['', 'empty'],
  [`00-${id}-${span}`, 'too short'],
  [`00-${id}-${span}-01-more`, 'version 0 is no longer than it is'],
  [`01-${id}-${span}-01more`, 'no dash'],
  [`ff-${id}-${span}-01`, 'a version that there is not'],
  [`00-${'0'.repeat(32)}-${span}-01`, 'no trace'],
  [`00-${id}-${'0'.repeat(16)}-01`, 'no span'],
  [`00-${id.toUpperCase()}-${span}-01`, 'upper case'],
])("'%s' is none: %s", (text) => {
  expect(parse(text)).toBeUndefined()
})
