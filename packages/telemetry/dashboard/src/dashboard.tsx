import { render } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { Connection, type Status } from './connection.ts'
import { GraphView } from './graph-view.tsx'
import { History } from './history.ts'
import type { Live } from './live.ts'
import { PartitionsView } from './partitions-view.tsx'
import { DeadLettersView, StoresView, TimelineView } from './state-views.tsx'
import { time } from './text.ts'
import { ThreadsView } from './threads-view.tsx'

const VIEWS = ['Topology', 'Partitions', 'Threads', 'Stores', 'Dead letters', 'Time line'] as const
type ViewName = (typeof VIEWS)[number]

function Dashboard() {
  const history = useMemo(() => new History(), [])
  const [live, setLive] = useState<Live>()
  const [status, setStatus] = useState<{ is: Status; detail: string }>({ is: 'connecting', detail: '' })
  const connection = useMemo(
    () =>
      new Connection(
        (answer) => {
          history.add(answer)
          setLive(answer)
        },
        (is, detail) => setStatus({ is, detail }),
      ),
    [history],
  )
  const [view, setView] = useState<ViewName>(viewInAddress)
  useEffect(() => {
    connection.start()
    const follow = () => setView(viewInAddress())
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [connection])
  useEffect(() => {
    document.title = live === undefined ? 'Millrace' : `${live.application} · Millrace`
  }, [live?.application])

  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById('main')?.focus())}>
        To the content
      </a>
      <header>
        <h1>{live?.application ?? 'Millrace'}</h1>
        <StatusLine live={live} status={status} />
        <nav aria-label="Views">
          {VIEWS.filter((name) => name !== 'Threads' || live?.threads !== undefined).map((name) => (
            <a key={name} href={`#/${slug(name)}`} aria-current={name === view ? 'page' : undefined}>
              {name}
              {name === 'Dead letters' && live !== undefined && live.deadLetters.length > 0 && (
                <span class="badge">{live.deadLetters.length}</span>
              )}
            </a>
          ))}
        </nav>
      </header>
      <main id="main" tabIndex={-1} class={status.is === 'away' ? 'stale' : ''}>
        {status.is === 'token' ? (
          <TokenForm refused={status.detail} onToken={(token) => connection.useToken(token)} />
        ) : (
          live !== undefined && (
            <>
              <h2>{view}</h2>
              <Shown view={view} live={live} history={history} />
            </>
          )
        )}
      </main>
    </>
  )
}

function Shown({ view, live, history }: { readonly view: ViewName; readonly live: Live; readonly history: History }) {
  if (view === 'Topology') return <GraphView live={live} history={history} />
  if (view === 'Partitions') return <PartitionsView live={live} history={history} />
  if (view === 'Threads') return <ThreadsView live={live} />
  if (view === 'Stores') return <StoresView live={live} />
  if (view === 'Dead letters') return <DeadLettersView live={live} />
  return <TimelineView live={live} />
}

function StatusLine({
  live,
  status: { is, detail },
}: {
  readonly live: Live | undefined
  readonly status: { is: Status; detail: string }
}) {
  if (is === 'away')
    return (
      <p role="status" class="status bad">
        Away: the application does not answer ({detail}).{live !== undefined && ` What is shown is of ${time(live.now)}.`}
      </p>
    )
  if (live === undefined || is !== 'live')
    return (
      <p role="status" class="status">
        {is === 'token' ? 'A token is needed.' : 'Connecting.'}
      </p>
    )
  const { ready, state, problems } = live.readiness
  return (
    <>
      <p role="status" class={ready ? 'status good' : 'status bad'}>
        {ready ? 'Ready' : 'Not ready'}: {state}
      </p>
      {problems.length > 0 && (
        <ul class="problems">
          {problems.map(({ reason, detail: why }) => (
            <li key={why}>
              <strong>{reason}</strong> {why}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function TokenForm({ refused, onToken }: { readonly refused: string; readonly onToken: (token: string) => void }) {
  const [token, setToken] = useState('')
  return (
    <form
      class="token"
      onSubmit={(event) => {
        event.preventDefault()
        onToken(token)
      }}
    >
      <label>
        Token <input type="password" autocomplete="off" value={token} onInput={(event) => setToken(event.currentTarget.value)} />
      </label>
      <button type="submit">Connect</button>
      <p role="alert">{refused}</p>
    </form>
  )
}

function slug(name: string): string {
  return name.toLowerCase().replace(' ', '-')
}

function viewInAddress(): ViewName {
  return VIEWS.find((name) => `#/${slug(name)}` === location.hash) ?? 'Topology'
}

render(<Dashboard />, document.body)
