import { describe, expect, it } from 'vitest'
import { answering, commitOne, openTransactional, write } from '../support/transactional-writer.ts'
import { type EndAsked, goingOn, identity, KEY, readEnd, type WireAnswer, type WireBroker } from '../support/wire-broker.ts'

const LEVEL = 2
const open = (): ReturnType<typeof openTransactional> => openTransactional({}, LEVEL)

/** How transactions are asked to end: the first answered as told, and those behind with success. */
function ending(broker: WireBroker, ...answers: WireAnswer[]): (EndAsked & { readonly version: number })[] {
  const ends: (EndAsked & { readonly version: number })[] = []
  broker.answers.set(KEY.endTransaction, ({ version, body }) => {
    const asked = readEnd(body)
    ends.push({ ...asked, version })
    return answers.shift() ?? goingOn(asked)
  })
  return ends
}

/** The broker names nobody as whom to go on. */
function refused(code: number): Buffer {
  return identity(code, -1, -1)
}

describe('a writer of transactions, on a cluster with KIP-890', () => {
  it('adds no partitions before it writes to them, and goes on under the next epoch after each that had something in it', async () => {
    await using both = await open()
    const { broker, writer } = both
    const sent = answering(broker)
    const ends = ending(broker)
    broker.asked.length = 0
    for (const value of ['a', 'b']) {
      await commitOne(writer, value)
      writer.begin()
      await writer.commit()
    }
    const { produce, endTransaction } = KEY
    expect(broker.asked.filter((key) => key !== KEY.metadata)).toEqual([produce, endTransaction, produce, endTransaction])
    expect(sent).toMatchObject([0, 1].map((epoch) => ({ version: 12, producerId: 100, epoch, sequence: 0 })))
    expect(ends).toEqual([0, 1].map((epoch) => ({ version: 5, producerId: 100, epoch, isCommit: true })))
  })

  it('goes on after an abort for a record that was refused, as soon as what it has aborted is over', async () => {
    await using both = await open()
    const { broker, writer } = both
    // By 51 the broker says that the transaction before is not over yet.
    const sent = answering(broker, 0, 87, 51, 51)
    const ends = ending(broker)
    writer.begin()
    await write(writer, 'fine')
    await writer.flush()
    await write(writer, 'refused')
    await expect(writer.commit()).rejects.toMatchObject({ kind: 'abortable', code: 87 })
    await writer.abort()
    await commitOne(writer, 'after')
    expect(sent.map(({ epoch, sequence }) => [epoch, sequence])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 0],
      [1, 0],
    ])
    expect(ends.map(({ epoch, isCommit }) => [epoch, isCommit])).toEqual([
      [0, false],
      [1, true],
    ])
    // The broker has said as whom to go on.
    expect(broker.count(KEY.initProducerId)).toBe(1)
  })

  it('goes on under the next epoch after an abort in which nothing was lost, too', async () => {
    await using both = await open()
    const { broker, writer } = both
    const sent = answering(broker)
    writer.begin()
    await write(writer, 'a')
    await writer.flush()
    await writer.abort()
    await commitOne(writer, 'b')
    expect(sent.map(({ epoch, sequence }) => [epoch, sequence])).toEqual([
      [0, 0],
      [1, 0],
    ])
  })

  it.each(['commit', 'abort'] as const)(
    'asks again for the %s that was not answered, and while the broker is not ready for it',
    async (end) => {
      await using both = await open()
      const { broker, writer } = both
      const sent = answering(broker)
      const ends = ending(broker, 'cut', refused(51))
      writer.begin()
      await write(writer, 'a')
      await writer.flush()
      await writer[end]()
      await commitOne(writer, 'b')
      expect(ends.map(({ epoch, isCommit }) => [epoch, isCommit])).toEqual([
        ...[0, 0, 0].map((epoch) => [epoch, end === 'commit']),
        [1, true],
      ])
      expect(sent.map(({ epoch, sequence }) => [epoch, sequence])).toEqual([
        [0, 0],
        [1, 0],
      ])
    },
  )
})
