import { type Logger, silentLogger } from '@millrace/core'
import { expect, test } from 'vitest'
import { ClientError } from '../../src/client/client-error.ts'
import { Cluster, until } from '../support/cluster.ts'
import { Holder } from '../support/holder.ts'

const INTERVAL_MS = 2_000

test.each([
  ['confluent', -147],
  ['packed', 0],
] as const)(
  '%s: a member whose event loop was blocked for longer than max.poll.interval.ms is put out, says why, and joins again',
  async (client, code) => {
    const warned: object[] = []
    const logger: Logger = { ...silentLogger, warn: (fields) => void warned.push(fields) }
    const consumer = { 'session.timeout.ms': INTERVAL_MS, 'heartbeat.interval.ms': 300, 'max.poll.interval.ms': INTERVAL_MS }
    await using cluster = new Cluster({ client, consumer }, logger)
    const topic = await cluster.topic()
    const holder = new Holder()
    const source = await cluster.source({ groupId: cluster.name() })
    holder.source = source
    await source.subscribe([topic], holder)
    const poll = async () => void (await source.poll(50))
    await until('it is assigned', async () => {
      await poll()
      return holder.held.length === 1
    })
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2 * INTERVAL_MS)
    await until('it has lost its partition, and got it again', async () => {
      await poll()
      return holder.calls.length >= 3
    })
    // On a busy machine its session, which is as short, may end as well behind that.
    expect(holder.calls.slice(0, 3).map(({ hook }) => hook)).toEqual(['assigned', 'lost', 'assigned'])
    const reasons = warned.flatMap((fields) => ('err' in fields && fields.err instanceof ClientError ? [fields.err] : []))
    expect(reasons.slice(0, 1)).toMatchObject([{ kind: 'poll-too-late', code }])
  },
)
