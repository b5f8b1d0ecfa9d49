import { expect, test } from 'vitest'
import { answersKafka } from '../../packages/cli/broker/answers-kafka.mjs'
import { openBroker } from '../broker/broker.mjs'

/** Our own, also where KAFKA_BROKERS names one: a broker of somebody else's is not killed. */
const { KAFKA_BROKERS: _, ...env } = process.env

test('a broker is killed, returns on its port, stands still, goes on, and leaves nothing when stopped', { timeout: 180_000 }, async () => {
  const broker = await openBroker({}, env)
  try {
    expect(await answersKafka(broker.brokers)).toBe(true)
    await broker.kill(0)
    expect(await answersKafka(broker.brokers)).toBe(false)
    await broker.restart(0)
    expect(await answersKafka(broker.brokers)).toBe(true)
    await broker.freeze(0)
    expect(await answersKafka(broker.brokers)).toBe(false)
    await broker.thaw(0)
    expect(await answersKafka(broker.brokers)).toBe(true)
  } finally {
    await broker.stop()
  }
  expect(await answersKafka(broker.brokers)).toBe(false)
})
