import { event } from '@millrace/publisher'
import type { Numbered } from '../support/publishing.ts'

const serialize = ({ n }: Numbered) => {
  if (n < 0) throw new RangeError('less than nothing')
  return Buffer.from(JSON.stringify({ n, pid: process.pid }))
}

/** The second says which process has made its bytes. */
export const events = {
  a: event<Numbered>({ topic: 'a' }),
  b: event<Numbered>({ topic: 'b', serialize }),
}
