import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../packages/cli/broker/free-port.mjs'
import { startReaper } from '../../packages/cli/broker/reaper.mjs'
import { run } from '../run.mjs'
import { openDatabase } from './database-server.mjs'
import { dockerServer } from './docker-server.mjs'
import { serveFrom, smallDiskIn } from './server-process.mjs'

/** @type {import('./database-server.mjs').DatabaseKind} */
export const clickhouseKind = {
  name: 'ClickHouse',
  variable: 'CLICKHOUSE_URL',
  debianPackage: 'clickhouse-server',
  debianLacks: async () => ((await run('clickhouse-server', ['--version'])).code === 127 ? 'no clickhouse-server' : undefined),
  debian: debianClickhouse,
  docker: ({ image = 'clickhouse/clickhouse-server:25.3-alpine', smallDiskMegabytes }) =>
    dockerServer({
      image,
      smallDisk: smallDiskMegabytes === undefined ? undefined : { folder: '/var/lib/clickhouse', megabytes: smallDiskMegabytes },
      port: 8123,
      environment: { CLICKHOUSE_SKIP_USER_SETUP: '1' },
      url: (host, port) => `http://${host}:${port}`,
      answers: answersClickhouse,
    }),
}

/**
 * A ClickHouse server: `CLICKHOUSE_URL`, else a container, else Debian's in a temporary folder.
 * @param {import('./database-server.mjs').DatabaseOptions} [options]
 * @param {Parameters<typeof openDatabase>[2]} [where]
 */
export function openClickhouse(options, where) {
  return openDatabase(clickhouseKind, options, where)
}

/**
 * @param {import('./database-server.mjs').DatabaseOptions} options
 * @returns {Promise<import('./database-server.mjs').DatabaseServer>}
 */
async function debianClickhouse({ smallDiskMegabytes }) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-clickhouse-'))
  const reaper = startReaper()
  reaper.watchFolder(folder)
  const [http, tcp] = await freePorts(2)
  for (const name of ['data', 'tmp', 'formats']) await mkdir(join(folder, name))
  const small = await smallDiskIn(folder, smallDiskMegabytes)
  await writeFile(join(folder, 'config.xml'), config(folder, Number(http), Number(tcp), small.smallDisk?.folder ?? join(folder, 'data')))
  await writeFile(join(folder, 'users.xml'), users)
  return serveFrom(
    {
      name: 'ClickHouse',
      command: 'clickhouse-server',
      args: ['--config-file', join(folder, 'config.xml')],
      cwd: folder,
      log: join(folder, 'server.log'),
      uid: undefined,
      stopSignal: 'SIGTERM',
      answers: () => answersClickhouse('127.0.0.1', Number(http)),
      reaper,
      ...small,
    },
    `http://127.0.0.1:${http}`,
  )
}

/**
 * @param {string} folder
 * @param {number} http
 * @param {number} tcp
 * @param {string} data
 */
function config(folder, http, tcp, data) {
  return `<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <http_port>${http}</http_port>
  <tcp_port>${tcp}</tcp_port>
  <listen_host>127.0.0.1</listen_host>
  <path>${data}/</path>
  <tmp_path>${folder}/tmp/</tmp_path>
  <format_schema_path>${folder}/formats/</format_schema_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size>
  <timezone>UTC</timezone>
</yandex>
`
}

const users = `<yandex>
  <profiles><default><max_memory_usage>1000000000</max_memory_usage></default></profiles>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
  </users>
  <quotas><default></default></quotas>
</yandex>
`

/**
 * @param {string} host
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export async function answersClickhouse(host, port) {
  try {
    const answer = await fetch(`http://${host}:${port}/?query=SELECT%201`, { signal: AbortSignal.timeout(1_000) })
    return (await answer.text()).trim() === '1'
  } catch {
    return false
  }
}
