import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { answersKafka } from '../../packages/cli/broker/answers-kafka.mjs'
import { root } from '../paths.mjs'

test.each(['SIGINT', 'SIGTERM'] as const)(
  'the broker command prints an address that answers, and stops in order on %s',
  { timeout: 180_000 },
  async (signal) => {
    const { KAFKA_BROKERS: _, ...env } = process.env
    const command = spawn(process.execPath, [join(root, 'tools/broker.mjs')], { env })
    const [printed] = (await once(command.stdout.setEncoding('utf8'), 'data')) as [string]
    const address = printed.trim()
    expect(await answersKafka(address)).toBe(true)
    command.kill(signal)
    expect(await once(command, 'close')).toEqual([0, null])
    expect(await answersKafka(address)).toBe(false)
  },
)
