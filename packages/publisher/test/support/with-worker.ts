import { type Logger, silentLogger } from '@millrace/core'
import { logInFolder } from '../modules/log-in-folder.ts'

/** Three of them, whose records are small. */
export async function createTopics(folder: string): Promise<void> {
  const admin = await logInFolder({ folder }).openAdmin({ logger: silentLogger })
  await admin.createTopics(['a', 'b', 'c'].map((topic) => ({ topic, partitions: 2, config: { 'max.message.bytes': '1000' } })))
  await admin.close()
}

/** Starts it as this process was started, from sources. */
export const worker = { execArgv: ['--import', 'tsx', '--conditions=@millrace/source'] }

/** What is logged, and which processes were started. */
export function recording() {
  const pids: number[] = []
  const messages: string[] = []
  const log = (about: object, message?: string) => {
    messages.push(message ?? '')
    if (message === 'a worker of the publisher was started') pids.push((about as { readonly pid: number }).pid)
  }
  return { pids, messages, logger: { debug: log, info: log, warn: log, error: log } as unknown as Logger }
}

export const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
