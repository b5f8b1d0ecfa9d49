import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Cleans up when this process ends without having done so, SIGKILL included: a small process beside it reads what to clean from a
 * pipe, and the pipe's end is the sign.
 */
export function startReaper() {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  child.unref()
  // The pipe must not keep this process alive: its end is what the reaper waits for.
  const pipe = /** @type {import('node:net').Socket} */ (child.stdin)
  pipe.unref()
  pipe.on('error', () => {})
  /** @param {Order} order */
  const tell = (order) => pipe.write(`${JSON.stringify(order)}\n`)
  return {
    /** @param {string} folder */
    watchFolder: (folder) => tell({ folder }),
    /** @param {number} pid */
    watch: (pid) => tell({ pid, watch: true }),
    /** @param {number} pid */
    forget: (pid) => tell({ pid, watch: false }),
    close: () => pipe.end(),
  }
}

/** @typedef {{ folder: string } | { pid: number, watch: boolean }} Order */

async function reap() {
  const pids = new Set()
  const folders = new Set()
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  for (const line of text.split('\n')) {
    if (line === '') continue
    const order = JSON.parse(line)
    if ('folder' in order) folders.add(order.folder)
    else if (order.watch) pids.add(order.pid)
    else pids.delete(order.pid)
  }
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It had ended by itself.
    }
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await reap()
