import { describe, expect, test } from 'vitest'
import { defineApp, MillraceError, silentLogger, start } from 'millrace'
import { memory, type MemoryOperation } from 'millrace/memory'
import { LogClient } from './support/log-client.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { countWords, inputSerdes, outputSerdes, someLines, wordCountTopology } from './support/word-count-topology.ts'

/** Runs the word count while `before` interferes; resolves to what `run()` came to. */
async function runWith(before: (operation: MemoryOperation) => void) {
  await using folder = await temporaryFolder()
  const transport = memory({ faults: { before } })
  await using log = await LogClient.open(transport)
  await log.createTopics({ lines: 1, 'word-counts': 1 })
  const lines = someLines(100)
  await log.write(
    'lines',
    inputSerdes,
    lines.map((value) => ({ key: null, value })),
  )
  const app = await start(
    defineApp({
      topology: wordCountTopology(),
      applicationId: 'assigned',
      transport,
      stateDir: folder.path,
      logger: silentLogger,
      batch: { timeoutMs: 1 },
    }),
  )
  const outcome = app.run().then(
    () => undefined,
    (error: unknown) => error,
  )
  await app.caughtUp().catch(() => undefined)
  await app.close().catch(() => undefined)
  return { error: await outcome, state: app.state, lines, output: await log.readAll('word-counts', outputSerdes) }
}

const failing = (times: number, retryable: boolean) => {
  let failed = 0
  return (operation: MemoryOperation) => {
    if (operation.type === 'committed' && failed++ < times)
      throw new MillraceError('BROKER_AWAY', 'the broker is away', { stage: 'commit', retryable })
  }
}

describe('an assignment', () => {
  test('waits out a failure that may pass', async () => {
    const { error, lines, output } = await runWith(failing(3, true))
    expect(error).toBeUndefined()
    expect(new Map(output.map(({ key, value }) => [key, value]))).toEqual(countWords(lines))
  })

  test('that fails for good stops the application with the reason, and nothing hangs', async () => {
    const { error, state } = await runWith(failing(Infinity, false))
    expect(error).toMatchObject({ code: 'BROKER_AWAY' })
    expect(state).toBe('error')
  })
})
