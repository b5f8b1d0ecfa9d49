import { spawn } from 'node:child_process'
import { withWorkerThreads } from './worker-threads.mjs'

const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])
const echoMs = 500

/**
 * Runs a Node program in this one's place: its terminal is ours, signals reach it, and we end as it ended.
 * @param {readonly string[]} args
 */
export async function runProgram(args) {
  // A group of its own, so that Ctrl-C reaches it once and not three times (terminal, npm, us): two are an order to hurry.
  const child = spawn(process.execPath, args, { detached: true, env: withWorkerThreads(process.env), stdio: 'inherit' })
  let lastSignal = 0
  for (const signal of signals) {
    process.on(signal, () => {
      const isEcho = Date.now() - lastSignal < echoMs
      lastSignal = Date.now()
      if (!isEcho) child.kill(signal)
    })
  }
  /** @type {{ code: number | null, signal: NodeJS.Signals | null }} */
  const end = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve({ code, signal }))
  })
  if (end.signal === null) process.exit(end.code ?? 1)
  for (const signal of signals) process.removeAllListeners(signal)
  process.kill(process.pid, end.signal)
}
