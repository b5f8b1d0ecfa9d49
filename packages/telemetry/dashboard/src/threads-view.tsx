import type { Live } from './live.ts'
import { count } from './text.ts'

/** Worker threads of the application: what each has, and whether it took the place of another. */
export function ThreadsView({ live: { threads = [] } }: { readonly live: Live }) {
  if (threads.length === 0) return <p>All tasks run in one thread.</p>
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Threads, scrollable">
      <table id="threads">
        <caption>Threads</caption>
        <thead>
          <tr>
            <th scope="col">Thread</th>
            <th scope="col">State</th>
            <th scope="col">Tasks</th>
            <th scope="col" class="number">
              Busy
            </th>
            <th scope="col" class="number">
              Replaced
            </th>
            <th scope="col" class="number">
              Heard of
            </th>
          </tr>
        </thead>
        <tbody>
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
        </tbody>
      </table>
    </div>
  )
}
