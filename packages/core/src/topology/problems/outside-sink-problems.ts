import { describeValue } from '../../internal/describe-value.ts'
import type { OutsideSinkNode } from '../topology.ts'

/** What is wrong with sinks outside of the log. */
export function outsideSinkProblems(nodes: readonly OutsideSinkNode[]): string[] {
  const problems: string[] = []
  const seen = new Map<unknown, string>()
  for (const { name, sink } of nodes) {
    const open = (sink as Partial<OutsideSinkNode['sink']> | null | undefined)?.open
    if (typeof open !== 'function') {
      problems.push(`Sink '${name}' is given ${describeValue(sink)}; give what stores records, such as bulkRows({ ... }).`)
      continue
    }
    const other = seen.get(sink)
    if (other !== undefined)
      problems.push(`Sinks '${other}' and '${name}' are given the same object; make one for each, or give the one both parents.`)
    seen.set(sink, name)
  }
  return problems
}
