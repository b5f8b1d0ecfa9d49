import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { standsStill } from '../../packages/cli/broker/stands-still.mjs'

const startLimitMs = 60_000
const stopLimitMs = 15_000
const askAgainMs = 50

/**
 * @typedef {object} ServerPlan
 * @property {string} name
 * @property {string} command
 * @property {readonly string[]} args
 * @property {string} cwd
 * @property {string} log The file that takes what it says.
 * @property {number | undefined} uid Who it runs as; undefined: as we do.
 * @property {NodeJS.Signals} stopSignal
 * @property {() => Promise<boolean>} answers
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
    const { command, args, cwd, log, uid, reaper } = this.plan
    const child = spawn(command, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid !== undefined && { uid, gid: uid }),
      env: { ...process.env, LC_ALL: 'C' },
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
  }
}
