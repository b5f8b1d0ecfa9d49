import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { root } from '../paths.mjs'

test(
  'npm run publisher serves: POSTs are answered when their batch is written, and SIGTERM writes what waits for company',
  { timeout: 280_000 },
  async () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { publisher: string } }
    const [, program = ''] = /^node (\S+)$/.exec(scripts.publisher) ?? []
    // Nothing but its size or the end of the service makes a batch.
    const env = { ...process.env, KAFKA_BATCH_SIZE: '2', KAFKA_BATCH_TIMEOUT_MS: '600000' }
    const running = spawn(process.execPath, [join(root, program), '--port', '0'], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    onTestFinished(() => void running.kill())
    let logged = ''
    running.stderr.setEncoding('utf8').on('data', (text: string) => {
      logged += text
    })
    const [printed] = (await once(running.stdout.setEncoding('utf8'), 'data')) as [string]
    const [url = ''] = /http:\/\/[\d.:]+/.exec(printed) ?? []

    const post = async (id: string) => {
      const body = JSON.stringify({ type: 'order.created', payload: { id, total: 1 } })
      const { status } = await fetch(`${url}/events`, { method: 'POST', body })
      return status
    }
    expect(await Promise.all([post('1'), post('2')])).toEqual([201, 201])
    const waiting = post('3')
    const pending = async () => ((await (await fetch(`${url}/status`)).json()) as { pendingEvents: number }).pendingEvents
    await expect.poll(pending, { timeout: 60_000 }).toBe(1)

    running.kill('SIGTERM')
    expect(await waiting).toBe(201)
    expect(await once(running, 'close')).toEqual([0, null])
    const flushes = logged.split('\n').filter((line) => line.includes('events were flushed'))
    expect(flushes.map((line) => JSON.parse(line) as object)).toMatchObject([
      { batchSize: 2, topics: 1, trigger: 'records' },
      { batchSize: 1, topics: 1, trigger: 'drain' },
    ])
  },
)
