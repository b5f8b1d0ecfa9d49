import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { waitForKafka } from './answers-kafka.mjs'
import { standsStill } from './stands-still.mjs'

const startLimitMs = 60_000
const stopLimitMs = 15_000
const logging = fileURLToPath(new URL('log4j2.properties', import.meta.url))

/** For what lives for minutes: compiled once and quickly, on one thread's garbage collector. It takes half the CPU of a start. */
export const CHEAP_START = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/**
 * One broker process of a cluster, on its folder and port for as long as the cluster lives: stopped, killed and started again.
 */
export class JavaNode {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process

  /**
   * @param {import('./node-settings.mjs').NodePlan} plan
   * @param {object} options
   * @param {string} options.classpath
   * @param {boolean} options.longLived
   * @param {ReturnType<typeof import('./reaper.mjs').startReaper>} options.reaper
   */
  constructor(plan, { classpath, longLived, reaper }) {
    this.plan = plan
    this.classpath = classpath
    this.longLived = longLived
    this.reaper = reaper
  }

  get address() {
    return `127.0.0.1:${this.plan.port}`
  }

  /** Of the node while it runs. */
  get processId() {
    const child = this.#process
    return child !== undefined && isRunning(child) ? child.pid : undefined
  }

  /** Resolves when the broker serves clients. */
  async start() {
    const { folder } = this.plan
    // A group of its own: Ctrl-C reaches us, and we stop the broker in order.
    const child = spawn(
      'java',
      [
        ...['-Xms128m', '-Xmx768m', '-Djava.awt.headless=true', ...(this.longLived ? [] : CHEAP_START)],
        ...[`-Dlog4j2.configurationFile=${logging}`, '-cp', this.classpath],
        ...['kafka.Kafka', join(folder, 'server.properties')],
      ],
      { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    this.#process = child
    const log = createWriteStream(join(folder, 'broker.log'), { flags: 'a' })
    child.stdout?.pipe(log, { end: false })
    child.stderr?.pipe(log, { end: false })
    child.on('error', (error) => log.end(error.message))
    const { pid } = child
    if (pid !== undefined) {
      this.reaper.watch(pid)
      child.on('close', () => {
        this.reaper.forget(pid)
        log.end()
      })
    }
    const ended = () => (isRunning(child) ? undefined : `Broker ${this.plan.id} ended while starting.`)
    try {
      await waitForKafka(this.address, startLimitMs, ended)
      // Another one may have answered.
      const failure = ended()
      if (failure !== undefined) throw new Error(failure)
    } catch (error) {
      await this.kill()
      const said = await readFile(join(folder, 'broker.log'), 'utf8').catch(() => '')
      throw new Error(`${/** @type {Error} */ (error).message}\n${said.slice(-4_000)}`, { cause: error })
    }
  }

  /** As an operator would; by force if it takes too long. */
  async stop() {
    await this.#end('SIGTERM', stopLimitMs)
  }

  /** SIGKILL: what a crash looks like to the others. */
  async kill() {
    await this.#end('SIGKILL', stopLimitMs)
  }

  /** Lets a broker that runs stand still; resolves when it does. */
  async freeze() {
    await standsStill(this.#signal('SIGSTOP'))
  }

  /** Lets it go on. */
  thaw() {
    this.#signal('SIGCONT')
  }

  /**
   * To a broker that runs, whose process id it returns.
   * @param {NodeJS.Signals} name
   */
  #signal(name) {
    const child = this.#process
    if (child?.pid === undefined || !child.kill(name)) throw new Error(`Broker ${this.plan.id} does not run.`)
    return child.pid
  }

  /**
   * @param {NodeJS.Signals} signal
   * @param {number} limitMs
   */
  async #end(signal, limitMs) {
    const child = this.#process
    if (child === undefined || !isRunning(child)) return
    const closed = new Promise((resolve) => child.once('close', resolve))
    const force = setTimeout(() => child.kill('SIGKILL'), limitMs)
    child.kill(signal)
    await closed
    clearTimeout(force)
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function isRunning(child) {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}
