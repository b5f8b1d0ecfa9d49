import { describe, expect, it } from 'vitest'
import { resolveGroupOptions } from '../../src/group/group-options.ts'
import { StandIn } from '../../src/group/stand-in.ts'

describe('the thread that stands in for a busy one', () => {
  it('is missed when it dies', async () => {
    const told: Error[] = []
    const options = resolveGroupOptions({ brokers: [{ host: 'none', port: 1 }], groupId: 'g' })
    const standIn = new StandIn(options, (error) => told.push(error))
    standIn.order(null as never)
    await expect.poll(() => told.length, { timeout: 20_000 }).toBe(1)
    expect(told[0]).toBeInstanceOf(TypeError)
    await standIn.close()
  })
})
