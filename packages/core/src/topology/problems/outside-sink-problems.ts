import { describeValue } from '../../internal/describe-value.ts'
import type { OutsideSinkNode } from '../topology.ts'

/** What is wrong with one sink outside of the log. */
export function outsideSinkProblems({ name, sink }: OutsideSinkNode): string[] {
  const open = (sink as Partial<OutsideSinkNode['sink']> | null | undefined)?.open
  if (typeof open === 'function') return []
  return [`Sink '${name}' is given ${describeValue(sink)}; give what stores records, such as bulkRows({ ... }).`]
}
