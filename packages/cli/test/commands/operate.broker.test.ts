import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort } from '../../../../tools/broker/free-port.mjs'
import { millrace } from '../support/command.ts'
import { KafkaApp } from '../support/kafka-app.ts'

/** Processes that start on a busy machine take long. */
const PATIENCE = { timeout: 120_000 }

interface Lag {
  readonly state: string
  readonly members: number
  readonly totalLag: number
  readonly withoutOffset: number
}

test(
  'an application is run as two processes, one of which is killed and started again; it is lagging, drained and reset',
  { timeout: 400_000 },
  async () => {
    await using app = await KafkaApp.open()
    const ask = async (...args: string[]) => {
      const target = ['--brokers', app.brokers, '--application', app.applicationId]
      const { stdout, stderr, code } = await millrace([...args, ...target, '--json'])
      return { code, stderr, answer: (stdout === '' ? undefined : JSON.parse(stdout)) as Lag & Record<string, unknown> }
    }
    const lagOf = async (...topics: string[]) => (await ask('lag', '--topics', topics.join(','))).answer
    // Of its repartition topic too: the input is done while what came of it still waits there.
    const lag = () => lagOf(app.topics.lines, `${app.applicationId}-by-word-repartition`)
    await app.write(500)
    expect(await lagOf(app.topics.lines)).toMatchObject({ state: 'Dead', members: 0, totalLag: 0, withoutOffset: 2 })

    const port = await freePort(2)
    const run = app.spawn(['run', 'word-count.ts', '--instances', '2', '--json', '--http', String(port)])
    const behindNothing = { totalLag: 0, withoutOffset: 0, partitions: [{}, {}, {}, {}] }
    await expect.poll(lag, PATIENCE).toMatchObject({ state: 'Stable', members: 2, ...behindNothing })

    // Each process has some of the words, and knows who has the others.
    for (const url of [`http://127.0.0.1:${port}`, `http://127.0.0.1:${port + 1}`]) {
      for (const [word, times] of Object.entries({ to: 2, be: 2, or: 1, not: 1 })) {
        // The stores of what has just moved are being opened.
        const get = () => millrace(['stores', 'get', 'counts', word, '--http', url])
        await expect.poll(get, PATIENCE).toMatchObject({ stdout: `${word}\t${times * 1_000}\n`, stderr: '' })
      }
    }
    const scanned = await millrace(['stores', 'scan', 'counts', '--http', `http://127.0.0.1:${port}`, '--prefix', 'n', '--json'])
    expect(JSON.parse(scanned.stdout)).toMatchObject({ store: 'counts', more: false })

    // One dies.
    const [, second] = run.events
    process.kill(second?.pid ?? 0, 'SIGKILL')
    await expect.poll(() => run.events.filter(({ event }) => event === 'started').length, PATIENCE).toBe(3)
    await app.write(500)
    await expect.poll(lag, PATIENCE).toMatchObject({ state: 'Stable', members: 2, ...behindNothing })
    expect(run.events.map(({ event }) => event)).toEqual(['started', 'started', 'ended', 'restarting', 'started'])

    // What runs is not reset.
    const refused = await ask('reset', '--execute', '--input-topics', app.topics.lines)
    expect(refused).toMatchObject({ code: 3, answer: undefined })
    expect(refused.stderr).toContain(`Application '${app.applicationId}' is running`)

    run.signal('SIGTERM')
    expect(await run.ended).toBe(0)
    // What it has left on disk is read when it is stopped.
    const left = app.spawn(['stores', 'scan', 'counts', 'word-count.ts'])
    expect(await left.ended).toBe(0)
    expect(left.stdout.split('\n').toSorted()).toEqual(['', 'be\t4000', 'not\t2000', 'or\t2000', 'to\t4000'])
    expect(run.events.slice(5)).toMatchObject([
      { event: 'ended', code: 0 },
      { event: 'ended', code: 0 },
    ])
    const internal = [`${app.applicationId}-by-word-repartition`, `${app.applicationId}-counts-changelog`]
    const own = join(app.stateDir, app.applicationId)
    const like = `${app.applicationId}-2-counts-changelog`
    await app.admin.createTopics([{ topic: like, partitions: 1 }])
    expect((await app.admin.describeTopics(internal)).length).toBe(2)
    expect(existsSync(join(own, '0'))).toBe(true)

    // By the module, in a process, as users do.
    const reset = app.spawn(['reset', 'word-count.ts', '--execute', '--json'])
    expect(await reset.ended).toBe(0)
    expect(JSON.parse(reset.stdout)).toMatchObject({
      executed: true,
      deletedTopics: internal,
      offsets: [
        { partition: 0, from: 1_000, to: 0 },
        { partition: 1, from: 1_000, to: 0 },
      ],
    })
    expect(reset.stderr).toContain(`topic '${like}' is left alone`)
    expect(await app.admin.describeTopics([...internal, like])).toMatchObject([{ topic: like }])
    expect(await lagOf(app.topics.lines)).toMatchObject({ totalLag: 2_000, withoutOffset: 0 })

    // It begins anew, in threads, each of which is a member, and counts each word as often again.
    const again = app.spawn(['run', 'word-count.ts', '--threads', '2'], { CLIENT: 'packed' })
    await expect.poll(lag, PATIENCE).toMatchObject({ state: 'Stable', members: 2, ...behindNothing })
    again.signal('SIGINT')
    expect(await again.ended).toBe(0)
    await app.admin.deleteTopics([app.topics.lines, app.topics.totals, ...internal, like])
  },
)

test('what a killed process has left in its group is put out of it with --force', { timeout: 120_000 }, async () => {
  await using app = await KafkaApp.open()
  const reset = (...args: string[]) =>
    millrace([
      'reset',
      '--brokers',
      app.brokers,
      '--application',
      app.applicationId,
      '--input-topics',
      app.topics.lines,
      '--execute',
      ...args,
    ])
  await app.write(1)
  const run = app.spawn(['run', 'word-count.ts', '--json'], { SESSION_MS: '120000' })
  const partitions = [0, 1].map((partition) => ({ topic: app.topics.lines, partition }))
  const committed = async () => (await app.admin.committedOffsets(app.applicationId, partitions)).map(({ offset }) => offset)
  await expect.poll(committed, { timeout: 60_000 }).toEqual([1, 1])
  process.kill(run.events[0]?.pid ?? 0, 'SIGKILL')
  run.signal('SIGKILL')
  await run.ended

  expect((await reset()).code).toBe(3)
  expect(await committed()).toEqual([1, 1])
  expect(await reset('--force', '--force-wait', '5')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('is left alone') as unknown,
  })
  expect(await committed()).toEqual([0, 0])
  const internal = [`${app.applicationId}-by-word-repartition`, `${app.applicationId}-counts-changelog`]
  await app.admin.deleteTopics([app.topics.lines, app.topics.totals, ...internal])
})

test('what can never run is not started again, and a second signal ends what does at once', { timeout: 120_000 }, async () => {
  await using app = await KafkaApp.open()
  await app.admin.deleteTopics([app.topics.totals])
  const missing = app.spawn(['run', 'word-count.ts', '--json'])
  expect(await missing.ended).toBe(1)
  expect(missing.stderr).toContain(
    `Topic '${app.topics.totals}', which sink 'totals' writes, does not exist: create it, or correct the name.`,
  )
  expect(missing.stderr).not.toContain('    at ')
  expect(missing.events.map(({ event }) => event)).toEqual(['started', 'ended'])

  const stuck = app.spawn(['run', 'never-drains.ts', '--json'])
  await expect.poll(() => stuck.stdout, { timeout: 60_000 }).toContain('never drains')
  stuck.signal('SIGINT')
  await expect.poll(() => stuck.stdout, { timeout: 60_000 }).toContain('closing')
  stuck.signal('SIGINT')
  expect(await stuck.ended).toBe(130)
})

test('broker names the one that KAFKA_BROKERS has, until it is stopped; it is not ours to end', async () => {
  await using app = await KafkaApp.open()
  const stop = new AbortController()
  const running = millrace(['broker', '--json'], { variables: { KAFKA_BROKERS: app.brokers }, stop: stop.signal })
  stop.abort()

  expect(await running).toMatchObject({ code: 0, stdout: `${JSON.stringify({ brokers: app.brokers, kind: 'given' })}\n` })
  expect(await app.admin.describeTopics([app.topics.lines])).toHaveLength(1)
  await app.admin.deleteTopics([app.topics.lines, app.topics.totals])
  expect(await millrace(['broker'], { variables: { KAFKA_BROKERS: '127.0.0.1:1' } })).toMatchObject({ code: 1, stdout: '' })
})
