import { useState } from 'preact/hooks'
import { type History, partitionKey } from './history.ts'
import type { Live, Partition } from './live.ts'
import { count } from './text.ts'
import { Table } from './table.tsx'

const SHOWN = 50
const TRIGGERS = ['records', 'bytes', 'age', 'memory', 'demand', 'drain', 'revoke', 'order', 'punctuate']

type Order = 'lag' | 'name' | 'waiting'

/** Each partition of this process: what waits, how batches are cut, what goes wrong. */
export function PartitionsView({ live, history }: { readonly live: Live; readonly history: History }) {
  const [order, setOrder] = useState<Order>('lag')
  const [filter, setFilter] = useState('')
  const [all, setAll] = useState(false)
  const found = live.partitions.filter((one) => `${one.topic}-${one.partition} ${one.task}`.includes(filter)).sort(by(order))
  const shown = all ? found : found.slice(0, SHOWN)
  return (
    <>
      <SinkCircuits sinks={live.sinks ?? {}} />
      <form class="tools" onSubmit={(event) => event.preventDefault()}>
        <label>
          Find{' '}
          <input
            type="search"
            value={filter}
            placeholder="topic, partition, task"
            onInput={(event) => setFilter(event.currentTarget.value)}
          />
        </label>
        <label>
          Order{' '}
          <select value={order} onChange={(event) => setOrder(event.currentTarget.value as Order)}>
            <option value="lag">most lag first</option>
            <option value="waiting">most waiting first</option>
            <option value="name">by name</option>
          </select>
        </label>
      </form>
      <Table
        id="partitions"
        label="Partitions"
        caption={`${count(found.length)} partitions, lag ${count(found.reduce((sum, { lag = 0 }) => sum + lag, 0))} in all`}
        columns={[
          'Partition',
          { number: 'Lag' },
          { number: 'Waiting' },
          { number: 'In flight' },
          'Batch size',
          'Cut by',
          { number: 'Retries' },
          { number: 'Given up' },
          'State',
        ]}
      >
        {shown.map((one) => (
          <Row key={partitionKey(one)} partition={one} sizes={history.batchSizes(one)} />
        ))}
      </Table>
      {found.length > shown.length && (
        <button type="button" onClick={() => setAll(true)}>
          Show all {count(found.length)}
        </button>
      )}
      <p class="legend" aria-hidden="true">
        {TRIGGERS.map((trigger) => (
          <span key={trigger}>
            <i class={`swatch ${trigger}`} /> {trigger}
          </span>
        ))}
      </p>
    </>
  )
}

/** Sinks outside of the log that hold up what goes there. */
function SinkCircuits({ sinks }: { readonly sinks: NonNullable<Live['sinks']> }) {
  const open = Object.entries(sinks).flatMap(([node, tables]) =>
    Object.entries(tables).map(([table, circuit]) => ({ node, table, circuit })),
  )
  if (open.length === 0) return null
  return (
    <ul class="problems circuits" aria-label="Circuits of sinks">
      {open.map(({ node, table, circuit }) => (
        <li key={`${node} ${table}`}>
          <strong class="bad">
            circuit of {table} in sink {node}: {circuit}
          </strong>
        </li>
      ))}
    </ul>
  )
}

function Row({ partition, sizes }: { readonly partition: Partition; readonly sizes: readonly number[] }) {
  const { topic, partition: number, lag, waitingRecords, inFlight, lastBatch, retries = 0, givenUp = 0, triggers = {}, task } = partition
  const circuits = Object.entries(partition.circuits)
  const state = [partition.state, partition.waitsFor === undefined ? '' : `waits for ${partition.waitsFor}`].filter(Boolean).join(', ')
  return (
    <tr>
      <th scope="row">
        {topic}-{number}{' '}
        <small>
          task {task}
          {partition.thread !== undefined && `, thread ${partition.thread}`}
        </small>
      </th>
      <td class="number">{count(lag)}</td>
      <td class="number">{count(waitingRecords)}</td>
      <td class="number">{count(inFlight)}</td>
      <td>
        <Course values={sizes} /> {count(lastBatch)} <small>of {count(partition.batchSize)}</small>
      </td>
      <td>
        <Shares of={triggers} />
      </td>
      <td class="number">{count(retries)}</td>
      <td class="number">{count(givenUp)}</td>
      <td>
        {state}
        {circuits.map(([node, circuit]) => (
          <strong key={node} class="bad">
            {' '}
            circuit of {node}: {circuit}
          </strong>
        ))}
      </td>
    </tr>
  )
}

/** The last two minutes as a line. */
function Course({ values }: { readonly values: readonly number[] }) {
  const most = Math.max(1, ...values)
  const points = values.map(
    (value, i) => `${((i * 72) / Math.max(1, values.length - 1)).toFixed(1)},${(18 - (value * 16) / most).toFixed(1)}`,
  )
  return (
    <svg
      class="course"
      viewBox="0 0 72 20"
      width="72"
      height="20"
      role="img"
      aria-label={`batch sizes of the last minutes, at most ${most}`}
    >
      <polyline points={points.join(' ')} />
    </svg>
  )
}

function Shares({ of }: { readonly of: Readonly<Record<string, number>> }) {
  const sum = Object.values(of).reduce((all, one) => all + one, 0)
  if (sum === 0) return <>–</>
  const shares = TRIGGERS.flatMap((trigger) => (of[trigger] === undefined ? [] : [{ trigger, share: of[trigger] / sum }]))
  const label = shares.map(({ trigger, share }) => `${trigger} ${Math.round(share * 100)} %`).join(', ')
  let x = 0
  return (
    <svg class="shares" viewBox="0 0 100 10" width="100" height="10" preserveAspectRatio="none" role="img" aria-label={label}>
      <title>{label}</title>
      {shares.map(({ trigger, share }) => {
        const from = x
        x += share * 100
        return <rect key={trigger} class={trigger} x={from} y="0" width={share * 100} height="10" />
      })}
    </svg>
  )
}

function by(order: Order): (a: Partition, b: Partition) => number {
  const named = (a: Partition, b: Partition) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1)
  if (order === 'name') return named
  const value = ({ lag = -1, waitingRecords }: Partition) => (order === 'lag' ? lag : waitingRecords)
  return (a, b) => value(b) - value(a) || named(a, b)
}
