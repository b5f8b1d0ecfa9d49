import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../packages/cli/broker/free-port.mjs'
import { startReaper } from '../../packages/cli/broker/reaper.mjs'
import { cache, root } from '../paths.mjs'
import { run } from '../run.mjs'
import { say } from '../say.mjs'
import { prepare } from '../setup/prepare.mjs'
import { withWorkerThreads } from '../worker-threads.mjs'
import { answersClickhouse } from './clickhouse.mjs'
import { serveFrom } from './server-process.mjs'

// `npm run check:newer-clickhouse`: sinks on the engine of a ClickHouse that knows de-duplication tokens, which Debian's is too old for. Where Docker gives a
// server, or CLICKHOUSE_URL names one, `npm test` runs these tests on that.
const version = '26.9.0'
const tests = ['packages/sink-clickhouse/test', 'tests/bulk-sink-clickhouse-once.database.test.ts']

await prepare({ native: 'unneeded', build: false, databases: true })
const engine = await fetchEngine()
const folder = await mkdtemp(join(tmpdir(), 'millrace-clickhouse-'))
const reaper = startReaper()
reaper.watchFolder(folder)
const port = await freePort()
const server = await serveFrom(
  {
    name: `ClickHouse ${version}`,
    command: 'python3',
    args: [fileURLToPath(new URL('chdb-server.py', import.meta.url)), String(port), join(folder, 'data')],
    cwd: folder,
    log: join(folder, 'server.log'),
    uid: undefined,
    stopSignal: 'SIGTERM',
    answers: () => answersClickhouse('127.0.0.1', port),
    reaper,
    env: { PYTHONPATH: engine },
  },
  `http://127.0.0.1:${port}`,
)
try {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const env = withWorkerThreads({ ...process.env, CLICKHOUSE_URL: server.url })
  const child = spawn(process.execPath, [vitest, 'run', '--project', 'database', ...tests], { cwd: root, env, stdio: 'inherit' })
  const [code] = /** @type {[number | null]} */ (await once(child, 'exit'))
  process.exitCode = code ?? 1
} finally {
  await server.stop()
}

/** The engine without what its Python interface could use besides, in this checkout only. */
async function fetchEngine() {
  const target = join(cache, `chdb-${version}`)
  if (existsSync(target)) return target
  say(`fetching the engine of ClickHouse ${version}`)
  const partial = `${target}.partial`
  rmSync(partial, { recursive: true, force: true })
  const { code, output } = await run('python3', [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--no-deps',
    '--target',
    partial,
    `chdb-core==${version}`,
  ])
  if (code !== 0) throw new Error(`chdb-core ${version} could not be fetched: Python 3.9 or newer with pip is needed.\n${output}`)
  renameSync(partial, target)
  return target
}
