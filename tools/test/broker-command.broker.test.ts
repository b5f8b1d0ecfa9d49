import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { answersKafka } from '../../packages/cli/broker/answers-kafka.mjs'
import { freePort } from '../broker/free-port.mjs'
import { root } from '../paths.mjs'

/** From the sources, as tests run them. */
const millrace = ['--conditions=@millrace/source', '--import', 'tsx', join(root, 'packages/cli/src/main.ts'), 'broker']

test.each([
  ['npm run broker', 'SIGINT', 1, [join(root, 'tools/broker.mjs')]],
  ['millrace broker', 'SIGTERM', 2, millrace],
] as const)(
  '%s prints addresses that answer, at the port that was asked for, and stops in order on %s',
  { timeout: 180_000 },
  async (...of) => {
    const [, signal, nodes, program] = of
    const { KAFKA_BROKERS: _, ...env } = process.env
    const port = await freePort(nodes)
    const command = spawn(process.execPath, [...program, '--port', String(port), '--nodes', String(nodes)], { env, cwd: root })
    const [printed] = (await once(command.stdout.setEncoding('utf8'), 'data')) as [string]
    const addresses = printed.trim().split(',')
    expect(addresses.map((address) => address.replace(/^.*:/, ''))).toEqual(Array.from({ length: nodes }, (_unused, i) => String(port + i)))
    expect(await Promise.all(addresses.map((address) => answersKafka(address)))).not.toContain(false)
    command.kill(signal)
    expect(await once(command, 'close')).toEqual([0, null])
    expect(await Promise.all(addresses.map((address) => answersKafka(address)))).not.toContain(true)
  },
)
