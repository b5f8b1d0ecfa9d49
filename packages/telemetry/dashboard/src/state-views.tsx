import type { DeadLetter, Live, Standby } from './live.ts'
import { bytes, count, time } from './text.ts'
import { Table } from './table.tsx'

export function StoresView({ live: { stores, restores, standbys = [] } }: { readonly live: Live }) {
  const going = restores.filter(({ phase }) => phase !== 'completed')
  return (
    <>
      {going.map(({ task, store, phase, restoredRecords, remainingRecords }) => (
        <p key={`${task} ${store}`} class="restore">
          <label>
            Restoring {store} of task {task} ({phase}): {count(remainingRecords)} records to go{' '}
            <progress max={Math.max(1, restoredRecords + remainingRecords)} value={restoredRecords} />
          </label>
        </p>
      ))}
      {stores.length === 0 ? (
        <p>There are no stores in this process.</p>
      ) : (
        <Table
          id="stores"
          label="Stores"
          caption="Stores"
          columns={['Store', 'Task', { number: 'Entries' }, { number: 'Uncommitted' }, 'Restored']}
        >
          {stores.map(({ store, task, entries, uncommittedBytes }) => {
            const restore = restores.find((one) => one.task === task && one.store === store)
            return (
              <tr key={`${task} ${store}`}>
                <th scope="row">{store}</th>
                <td>{task}</td>
                <td class="number">{count(entries)}</td>
                <td class="number">{bytes(uncommittedBytes)}</td>
                <td>
                  {restore === undefined
                    ? 'not needed'
                    : `${count(restore.restoredRecords)} records in ${(restore.durationMs / 1_000).toFixed(1)} s`}
                </td>
              </tr>
            )
          })}
        </Table>
      )}
      {standbys.length > 0 && <Standbys standbys={standbys} />}
    </>
  )
}

/** What a standby does, in words. */
const STANDBY_PHASES: Readonly<Record<string, string>> = {
  started: 'catching up',
  progress: 'following',
  'caught-up': 'up to date',
  failed: 'failed, and is tried again',
}

/** State of tasks that are elsewhere, so that they can come here at once. */
function Standbys({ standbys }: { readonly standbys: readonly Standby[] }) {
  return (
    <Table
      id="standbys"
      label="Standbys"
      caption="Standbys of tasks that are elsewhere"
      columns={['Store', 'Task', 'State', { number: 'Records to go' }, { number: 'Records written' }]}
    >
      {standbys.map(({ store, task, phase, remainingRecords, writtenRecords }) => (
        <tr key={`${task} ${store}`}>
          <th scope="row">{store}</th>
          <td>{task}</td>
          <td>{phase === 'failed' ? <strong class="bad">{STANDBY_PHASES[phase]}</strong> : (STANDBY_PHASES[phase] ?? phase)}</td>
          <td class="number">{count(remainingRecords)}</td>
          <td class="number">{count(writtenRecords)}</td>
        </tr>
      ))}
    </Table>
  )
}

/** Records that were given up. What is in them comes from outside: it is shown as text and nothing else. */
export function DeadLettersView({ live: { deadLetters } }: { readonly live: Live }) {
  if (deadLetters.length === 0) return <p>No record was given up since the application was started.</p>
  return (
    <ol class="letters">
      {deadLetters.map((letter) => (
        <li key={letter.number}>
          <details>
            <summary>
              <time dateTime={new Date(letter.at).toISOString()}>{time(letter.at)}</time> {placeOf(letter)}:{' '}
              {letter.policy === 'skip' ? 'skipped' : 'dead letter'} at {letter.node}. {letter.reason}
            </summary>
            <dl>
              <dt>Key</dt>
              <dd>
                <Payload text={letter.key} bytes={letter.keyBytes} shown={letter.shownBytes} label={`Key of ${placeOf(letter)}`} />
              </dd>
              <dt>Value</dt>
              <dd>
                <Payload text={letter.value} bytes={letter.valueBytes} shown={letter.shownBytes} label={`Value of ${placeOf(letter)}`} />
              </dd>
              <dt>Tried</dt>
              <dd>{count(letter.attempts)} times</dd>
            </dl>
          </details>
        </li>
      ))}
    </ol>
  )
}

interface PayloadProps {
  readonly text: string | null
  /** How many there are, and how many are shown at most. */
  readonly bytes: number
  readonly shown: number
  readonly label: string
}

/** A long one scrolls, also by keyboard. */
function Payload({ text, bytes: all, shown, label }: PayloadProps) {
  return (
    <>
      <pre tabIndex={0} role="region" aria-label={label}>
        {text ?? 'null'}
      </pre>
      {all > shown && (
        <p class="cut">
          The first {count(shown)} of {count(all)} bytes.
        </p>
      )}
    </>
  )
}

function placeOf({ topic, partition, offset }: DeadLetter): string {
  return `${topic}-${partition} at ${count(offset)}`
}

/** Rebalances, recoveries and changes of state, the latest first. */
export function TimelineView({ live: { changes } }: { readonly live: Live }) {
  if (changes.length === 0) return <p>Nothing has changed yet.</p>
  return (
    <ol class="timeline">
      {changes.map(({ at, what, detail }, i) => (
        <li key={`${at} ${changes.length - i}`} class={what}>
          <time dateTime={new Date(at).toISOString()}>{time(at)}</time> <strong>{what}</strong> {detail}
        </li>
      ))}
    </ol>
  )
}
