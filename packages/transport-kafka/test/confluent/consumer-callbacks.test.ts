import { beforeEach, describe, expect, test } from 'vitest'
import type { Rebalance } from '../../src/client/kafka-client.ts'
import { openLate } from '../support/raw-consumer.ts'

const ASSIGN_PARTITIONS = -175
const REVOKE_PARTITIONS = -174
const partitions = [{ topic: 't', partition: 0 }]

const told: Rebalance[] = []
beforeEach(() => void told.splice(0))

function listening(cooperative = true) {
  const late = openLate({ cooperative })
  late.consumer.listen({ onReady() {}, onCommitted() {}, onRebalance: (rebalance) => void told.push(rebalance) })
  const rebalance = (code: number) => late.rebalance({ message: 'm', code }, partitions)
  return { ...late, rebalance }
}

describe('a rebalance', () => {
  test.each([
    ['to assign partitions', ASSIGN_PARTITIONS, 'assign'],
    ['to revoke them', REVOKE_PARTITIONS, 'revoke'],
    // A coordinator that can't be found, a member that is put out, and what else there may be.
    ['with the error of a request', -195, 'lost'],
    ['with the error of a member', 25, 'lost'],
    ['with an error that nobody knows', 9_999, 'lost'],
  ])('%s is told as such', (_, code, type) => {
    const { rebalance } = listening()
    rebalance(code)
    expect(told).toEqual([{ type, partitions }])
  })

  test('that revokes what the group has given to others already is a loss', () => {
    const { raw, rebalance } = listening()
    raw.assignmentIsLost = true
    rebalance(REVOKE_PARTITIONS)
    expect(told).toMatchObject([{ type: 'lost' }])
  })

  test.each([
    [true, 'incrementalAssign ', 'incrementalUnassign '],
    [false, 'assign ', 'unassign'],
  ])('without partitions is answered as any other: the library waits for it (cooperative: %s)', (cooperative, assigned, revoked) => {
    const { raw, consumer } = listening(cooperative)
    consumer.completeAssign([])
    consumer.completeRevoke([])
    expect(raw.calls).toEqual([assigned, revoked])
  })

  test.each([ASSIGN_PARTITIONS, REVOKE_PARTITIONS, -195])('with code %i is answered when nobody listens any more', (code) => {
    const { raw, callbacks, rebalance } = listening()
    callbacks.close()
    rebalance(code)
    expect(told).toEqual([])
    expect(raw.calls).toEqual([code === ASSIGN_PARTITIONS ? 'incrementalAssign 0' : 'incrementalUnassign 0'])
  })
})
