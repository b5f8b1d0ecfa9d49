import { chownSync, existsSync, readdirSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../packages/cli/broker/free-port.mjs'
import { startReaper } from '../../packages/cli/broker/reaper.mjs'
import { run } from '../run.mjs'
import { openDatabase } from './database-server.mjs'
import { dockerServer } from './docker-server.mjs'
import { asUser, serveFrom, smallDiskIn } from './server-process.mjs'

const debianFolder = '/usr/lib/postgresql'
const user = 'millrace'

/** @type {import('./database-server.mjs').DatabaseKind} */
export const postgresKind = {
  name: 'PostgreSQL',
  variable: 'POSTGRES_URL',
  debianPackage: 'postgresql',
  debianLacks: async () => (binaries() === undefined ? `no PostgreSQL in ${debianFolder}` : undefined),
  debian: debianPostgres,
  docker: ({ image = 'postgres:17-alpine', smallDiskMegabytes }) =>
    dockerServer({
      image,
      smallDisk: smallDiskMegabytes === undefined ? undefined : { folder: '/small', megabytes: smallDiskMegabytes },
      port: 5432,
      environment: { POSTGRES_USER: user, POSTGRES_HOST_AUTH_METHOD: 'trust', POSTGRES_DB: 'postgres' },
      url: (host, port) => `postgres://${user}@${host}:${port}/postgres`,
      answers: answersPostgres,
    }),
}

/**
 * A PostgreSQL server: `POSTGRES_URL`, else a container, else Debian's in a temporary folder.
 * @param {import('./database-server.mjs').DatabaseOptions} [options]
 * @param {Parameters<typeof openDatabase>[2]} [where]
 */
export function openPostgres(options, where) {
  return openDatabase(postgresKind, options, where)
}

/** Where the newest version's programs are. */
function binaries() {
  if (!existsSync(debianFolder)) return undefined
  const versions = readdirSync(debianFolder).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(debianFolder, version, 'bin')).find((folder) => existsSync(join(folder, 'initdb')))
}

/**
 * @param {import('./database-server.mjs').DatabaseOptions} options
 * @returns {Promise<import('./database-server.mjs').DatabaseServer>}
 */
async function debianPostgres({ durable = false, smallDiskMegabytes }) {
  const programs = /** @type {string} */ (binaries())
  const folder = await mkdtemp(join(tmpdir(), 'millrace-postgres-'))
  const reaper = startReaper()
  reaper.watchFolder(folder)
  // It refuses to run as root.
  const uid = process.getuid?.() === 0 ? await otherUser() : undefined
  if (uid !== undefined) chownSync(folder, uid, uid)
  const data = join(folder, 'data')
  const options = ['-D', data, '-U', user, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
  const [command = '', ...args] = [...asUser(uid), join(programs, 'initdb'), ...options]
  const made = await run(command, args)
  if (made.code !== 0) throw new Error(`PostgreSQL could not make ${data}:\n${made.output}`)
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder,
    fsync: durable ? 'on' : 'off',
    shared_buffers: '64MB',
    max_wal_size: '256MB',
    max_connections: 60,
  }
  return serveFrom(
    {
      name: 'PostgreSQL',
      command: join(programs, 'postgres'),
      args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      cwd: folder,
      log: join(folder, 'server.log'),
      uid,
      stopSignal: 'SIGINT',
      answers: () => answersPostgres('127.0.0.1', port),
      reaper,
      ...(await smallDiskIn(folder, smallDiskMegabytes)),
    },
    `postgres://${user}@127.0.0.1:${port}/postgres`,
  )
}

/** The user that the package makes, or else nobody. */
async function otherUser() {
  const { code, output } = await run('id', ['-u', 'postgres'])
  return code === 0 ? Number(output) : 65_534
}

/**
 * Whether a server answers and lets clients in: it says so to a greeting of the protocol.
 * @param {string} host
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function answersPostgres(host, port) {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port })
    const end = (/** @type {boolean} */ answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1_000, () => end(false))
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
    socket.on('connect', () => {
      const text = `user\0${user}\0database\0postgres\0\0`
      const hello = Buffer.alloc(8 + text.length)
      hello.writeInt32BE(hello.length, 0)
      hello.writeInt32BE(196_608, 4)
      hello.write(text, 8, 'latin1')
      socket.write(hello)
    })
    // 'R': authentication; 'E': an error, such as that it is starting.
    socket.on('data', (data) => end(data[0] === 0x52))
  })
}
