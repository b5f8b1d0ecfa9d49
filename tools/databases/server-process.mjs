import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { standsStill } from '../../packages/cli/broker/stands-still.mjs'
import { run } from '../run.mjs'

const startLimitMs = 60_000
const stopLimitMs = 15_000
const askAgainMs = 50

/** What a small disk has when it has grown. */
const GROWN_MEGABYTES = 1_024

/**
 * @typedef {object} ServerPlan
 * @property {string} name
 * @property {string} command
 * @property {readonly string[]} args
 * @property {string} cwd
 * @property {string} log The file that takes what it says.
 * @property {Record<string, string>} [env] Variables besides ours.
 * @property {number | undefined} uid Who it runs as; undefined: as we do.
 * @property {NodeJS.Signals} stopSignal
 * @property {() => Promise<boolean>} answers
 * @property {{ folder: string, megabytes: number }} [smallDisk] Only the server and its children see it, and it goes with them. Needs root.
 * @property {ReturnType<typeof import('../../packages/cli/broker/reaper.mjs').startReaper>} reaper
 */

/** A server process on its folder and port: stopped, killed and started again. */
class ServerProcess {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process

  /** @param {ServerPlan} plan */
  constructor(plan) {
    this.plan = plan
  }

  /** Resolves when it serves clients. One that was killed may have left something that must end first: it is tried until then. */
  async start() {
    const until = Date.now() + startLimitMs
    for (;;) {
      this.#spawn()
      while (Date.now() < until && this.#runs) {
        if (await this.plan.answers()) return
        await pause(askAgainMs)
      }
      if (Date.now() >= until) break
      await pause(askAgainMs)
    }
    await this.kill()
    const said = await readFile(this.plan.log, 'utf8').catch(() => '')
    throw new Error(`${this.plan.name} did not start within ${startLimitMs} ms.\n${said.slice(-4_000)}`)
  }

  async stop() {
    await this.#end(this.plan.stopSignal)
  }

  async kill() {
    await this.#end('SIGKILL')
  }

  /** All of its processes: those of connections, too. */
  async freeze() {
    const pids = await this.#family()
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    for (const pid of pids) await standsStill(pid)
  }

  async thaw() {
    for (const pid of await this.#family()) process.kill(pid, 'SIGCONT')
  }

  async growDisk() {
    const { smallDisk } = this.plan
    const options = ['-o', `remount,size=${GROWN_MEGABYTES}m`, String(smallDisk?.folder)]
    const { code, output } = await run('nsenter', ['-t', String(this.#process?.pid), '-m', 'mount', ...options])
    if (code !== 0) throw new Error(`The small disk of ${this.plan.name} could not be made larger: ${output}`)
  }

  get #runs() {
    const child = this.#process
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
  }

  async #family() {
    const pid = this.#process?.pid
    if (pid === undefined || !this.#runs) throw new Error(`${this.plan.name} does not run.`)
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
    return [pid, ...children.split(' ').filter(Boolean).map(Number)]
  }

  #spawn() {
    const { cwd, log, reaper, env } = this.plan
    const [command, args] = commandOf(this.plan)
    const child = spawn(command, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C', ...env },
    })
    this.#process = child
    const file = createWriteStream(log, { flags: 'a' })
    child.stdout?.pipe(file, { end: false })
    child.stderr?.pipe(file, { end: false })
    child.on('error', (error) => file.end(error.message))
    const { pid } = child
    if (pid === undefined) return
    reaper.watch(pid)
    child.on('exit', () => reaper.forget(pid))
    child.on('close', () => file.end())
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#process
    if (child === undefined || !this.#runs) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    const force = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
    child.kill(signal)
    await ended
    clearTimeout(force)
  }
}

/**
 * What the process is started by: each step makes room for the next in the same process.
 * @param {ServerPlan} plan
 * @returns {[string, string[]]}
 */
function commandOf({ command, args, uid, smallDisk }) {
  const own = [...asUser(uid), command, ...args]
  if (smallDisk === undefined) return [String(own[0]), own.slice(1)]
  const { folder, megabytes } = smallDisk
  const mount = `mount -t tmpfs -o size=${megabytes}m,mode=777 none "$0" && exec "$@"`
  return ['unshare', ['--mount', 'sh', '-c', mount, folder, ...own]]
}

/**
 * A plan's small disk in a folder of the server's.
 * @param {string} folder
 * @param {number | undefined} megabytes
 */
export async function smallDiskIn(folder, megabytes) {
  if (megabytes === undefined) return {}
  if (process.getuid?.() !== 0) throw new Error('A small disk is mounted for the server: that needs root, or Docker.')
  const at = join(folder, 'small')
  await mkdir(at)
  return { smallDisk: { folder: at, megabytes } }
}

/**
 * What a command begins with that is to be run by somebody else.
 * @param {number | undefined} uid
 */
export function asUser(uid) {
  return uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
}

/**
 * Starts a server whose folder is its `cwd`, which goes when it is stopped, or if it does not start.
 * @param {ServerPlan} plan
 * @param {string} url What clients are given.
 * @returns {Promise<import('./database-server.mjs').DatabaseServer>}
 */
export async function serveFrom(plan, url) {
  const server = new ServerProcess(plan)
  const stop = async () => {
    await server.kill()
    await rm(plan.cwd, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    plan.reaper.close()
  }
  try {
    await server.start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    kind: 'debian',
    url,
    kill: () => server.kill(),
    restart: async () => {
      await server.stop()
      await server.start()
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    stop,
    ...(plan.smallDisk !== undefined && { smallDisk: { folder: plan.smallDisk.folder, grow: () => server.growDisk() } }),
  }
}
