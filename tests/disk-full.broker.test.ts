import { describe, inject, test } from 'vitest'
import { lostState, lostWords } from './support/at-least-once.ts'
import { containing } from './support/containing.ts'
import { notExact } from './support/exactly-once.ts'
import type { Member } from './support/member.ts'
import { temporaryFolder } from './support/temporary-folder.ts'
import { TracedGroup } from './support/traced-group.ts'

const brokers = inject('kafkaBrokers')
const sessionTimeoutMs = inject('kafkaSessionTimeoutMs')
/** Enough for some words of a few letters. */
const MAX_FILE_KILOBYTES = 64
/** Each of many, so that what one commit changes is more than that. */
const LONG = 'x'.repeat(400)
const WORDS = 2_000

/** Each word twice. */
const longLines = Array.from({ length: 2 * WORDS }, (_, i) => `${i % WORDS}-${LONG}`)

/** Records of changelogs that it has read again. */
function restored({ events }: Member): number {
  return events.reduce((sum, event) => sum + (event.type === 'restore' && event.phase === 'completed' ? event.restoredRecords : 0), 0)
}

describe.concurrent('a disk that is full', () => {
  test.for(['at-least-once', 'exactly-once'] as const)(
    'stops the application with an error that says where, %s; with room again, a restart replays what the disk has missed, and nothing is lost or doubled',
    { timeout: 120_000 },
    async (processingGuarantee, { expect }) => {
      await using folder = await temporaryFolder()
      await using group = await TracedGroup.open({
        brokers,
        sessionTimeoutMs,
        groupProtocol: 'classic',
        partitions: 2,
        folder: folder.path,
      })
      // One commit for many records.
      const options = { processingGuarantee, commitIntervalMs: 500, batchSize: 1_000 } as const
      await using cramped = group.start('one', options, { maxFileKilobytes: MAX_FILE_KILOBYTES })
      await group.write(100)
      await cramped.until(({ tasks }) => tasks.size === 4)
      await cramped.ask('caughtUp')
      await group.write(longLines)
      expect(await cramped.exit()).toBe(1)
      const { code, message } = cramped.failure ?? {}
      expect(code).toBe('STORE_WRITE_FAILED')
      // Which task's, and which store's.
      expect(message).toMatch(/\/one\/[^']*\/1_[01]\/counts'/)
      expect(message).toEqual(containing('File too large'))
      expect(message).toEqual(containing('Is there space left on the disk'))
      expect(cramped.events).toContainEqual(expect.objectContaining({ type: 'abort', processingGuarantee }))

      await using roomy = group.start('one', options)
      // All that was read before may be committed: then nobody who is caught up has to wait for what is replayed.
      await roomy.until(({ events }) => events.some((event) => event.type === 'state' && event.to === 'running'))
      await group.write(100)
      await roomy.ask('caughtUp')
      expect(await roomy.close()).toBe(0)
      expect(restored(roomy)).toBeGreaterThan(0)
      const { output, changelog } = await group.written()
      if (processingGuarantee === 'exactly-once') expect(notExact(group.trueCounts(), output, changelog)).toEqual([])
      else {
        expect(lostWords(output, group.trueCounts())).toEqual([])
        expect(lostState(changelog, group.trueCounts())).toEqual([])
      }
    },
  )
})
