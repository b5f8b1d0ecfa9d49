import type { Colors } from '../command-line/colours.ts'
import { counted, table } from '../command-line/table.ts'
import type { ResetPlan } from './plan-reset.ts'

/** For people: what is done, or would be. */
export function resetText(plan: ResetPlan, executed: boolean, colors: Colors): string {
  const { applicationId, offsets, topics, localState } = plan
  const rows = offsets.map(({ topic, partition, from, to }) => [
    topic,
    String(partition),
    from === null ? '-' : String(from),
    to === null ? 'as it is' : String(to),
  ])
  const columns = [
    { title: 'TOPIC' },
    { title: 'PARTITION', align: 'right' },
    { title: 'COMMITTED', align: 'right' },
    { title: 'NEW', align: 'right' },
  ] as const
  const parts = [
    ...(rows.length === 0 ? [] : [table(columns, rows, colors)]),
    list(
      executed ? 'Topics that were deleted' : 'Topics to delete',
      topics.map(({ topic }) => topic),
    ),
    list(executed ? 'Local state that was deleted' : 'Local state to delete', localState),
    executed
      ? `Application ${applicationId} is reset: ${counted(offsets.filter(({ to }) => to !== null).length, 'offset')} set.\n`
      : 'Nothing was changed. Add --execute to do it.\n',
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function list(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}:\n${lines.map((line) => `  ${line}\n`).join('')}`
}
