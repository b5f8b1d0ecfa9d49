import type { Live } from './live.ts'
import { count } from './text.ts'
import { Table } from './table.tsx'

/** Worker threads of the application: what each has, and whether it took the place of another. */
export function ThreadsView({ live: { threads = [] } }: { readonly live: Live }) {
  if (threads.length === 0) return <p>All tasks run in one thread.</p>
  return (
    <Table
      id="threads"
      label="Threads"
      caption="Threads"
      columns={['Thread', 'State', 'Tasks', { number: 'Busy' }, { number: 'Replaced' }, { number: 'Heard of' }]}
    >
      {threads.map(({ thread, state, tasks, utilization, replaced, silentMs }) => (
        <tr key={thread}>
          <th scope="row">thread {thread}</th>
          <td>{state === 'died' ? <strong class="bad">died</strong> : state}</td>
          <td>{tasks.length === 0 ? 'none' : tasks.join(', ')}</td>
          <td class="number">{Math.round(utilization * 100)} %</td>
          <td class="number">{count(replaced)} times</td>
          <td class="number">{(silentMs / 1_000).toFixed(1)} s ago</td>
        </tr>
      ))}
    </Table>
  )
}
