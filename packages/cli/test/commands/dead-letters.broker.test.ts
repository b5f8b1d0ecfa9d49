import { expect, test } from 'vitest'
import { everythingIn, valuesOf, writeDeadLetters } from '../support/dead-letters.ts'
import { millrace } from '../support/command.ts'
import { KafkaApp } from '../support/kafka-app.ts'

test('a replay that is killed half-way is taken up where it was, and each record is back once', { timeout: 180_000 }, async () => {
  await using app = await KafkaApp.open()
  const { lines } = app.topics
  const dead = `dead-${app.id}`
  await app.admin.createTopics([{ topic: dead, partitions: 1, config: { 'retention.ms': '-1' } }])
  const now = Date.now()
  await writeDeadLetters(
    app.transport,
    dead,
    Array.from({ length: 300 }, (_, i) => {
      const error = i % 3 === 0 ? new TypeError('never any good') : new Error('busy')
      return { value: `value ${i}`, topic: lines, partition: i % 2, offset: i, error, timestamp: now + i }
    }),
  )
  const args = ['--brokers', app.brokers, '--topic', dead, '--json']

  const killed = app.spawn(['dead-letters', 'replay', ...args, '--reason', 'busy', '--rate', '10'])
  await expect.poll(async () => (await everythingIn(lines, app)).length, { timeout: 90_000, interval: 200 }).toBeGreaterThanOrEqual(5)
  killed.signal('SIGKILL')
  await killed.ended
  const before = (await everythingIn(lines, app)).length
  expect(before).toBeLessThan(200)

  const { code, stdout } = await millrace(['dead-letters', 'replay', ...args, '--reason', 'busy'])
  expect(code).toBe(0)
  const { replayed, before: left } = JSON.parse(stdout) as { replayed: number; before: number }
  expect(replayed + left).toBe(200)
  expect(left).toBeGreaterThanOrEqual(before)
  const records = await everythingIn(lines, app)
  expect(valuesOf(records).toSorted()).toEqual(
    Array.from({ length: 300 }, (_, i) => i)
      .filter((i) => i % 3 !== 0)
      .map((i) => `value ${i}`)
      .toSorted(),
  )
  expect(records.every(({ partition, timestamp }) => partition === (timestamp - now) % 2)).toBe(true)

  const again = await millrace(['dead-letters', 'replay', ...args, '--reason', 'busy'])
  expect(JSON.parse(again.stdout)).toMatchObject({ replayed: 0, before: 200 })
  const list = await millrace(['dead-letters', 'list', ...args, '--limit', '1000'])
  const { total, deadLetters } = JSON.parse(list.stdout) as { total: number; deadLetters: { replayedTo: string | null }[] }
  expect(total).toBe(300)
  expect(deadLetters.filter(({ replayedTo }) => replayedTo === lines)).toHaveLength(200)

  const busy = ['--reason', 'busy', '--from-topic', lines]
  const within = ['--since', new Date(now + 100).toISOString(), '--until', new Date(now + 200).toISOString()]
  const few = await millrace(['dead-letters', 'list', ...args, ...busy, ...within])
  // Of each three of them, two.
  expect(few).toMatchObject({ code: 0, stderr: '' })
  const found = (JSON.parse(few.stdout) as { deadLetters: { id: string }[] }).deadLetters.map(({ id }) => Number(id.split('@')[1]))
  expect(found.length).toBeGreaterThanOrEqual(67)
  expect(found.filter((number) => number < 100 || number > 200 || number % 3 === 0)).toEqual([])
  const shown = await millrace(['dead-letters', 'show', `${dead}-0@4`, '--brokers', app.brokers, '--json'])
  expect(JSON.parse(shown.stdout)).toMatchObject({ id: `${dead}-0@4`, value: { text: 'value 4' }, from: `${lines}-0@4` })
  await app.admin.deleteTopics([lines, app.topics.totals, dead, `${dead}-replayed`])
})
