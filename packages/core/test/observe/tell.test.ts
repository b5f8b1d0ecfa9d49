import { type Logger, silentLogger, tell, teller } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { settle } from '../support/settle.ts'
import { unhandledIn } from '../support/unhandled-in.ts'

function listened() {
  const warnings: { readonly fields: object; readonly message: string }[] = []
  const logger: Logger = { ...silentLogger, warn: (fields, message) => void warnings.push({ fields, message }) }
  return { warnings, whose: { name: 'the observer', logger } }
}

const thrown = new Error('no')
const logged = [{ fields: { err: thrown }, message: 'the observer threw' }]

describe('a listener of the user', () => {
  test('is told, and stops nothing by what it throws', () => {
    const { warnings, whose } = listened()
    const heard: unknown[] = []
    tell((...args: unknown[]) => heard.push(...args), [1, 2], whose)
    expect(heard).toEqual([1, 2])
    const throwing = () => {
      throw thrown
    }
    tell(throwing, [], whose)
    tell(undefined, [], whose)
    expect(warnings).toEqual(logged)
  })

  test('ends no process by what it rejects with: it is logged like what is thrown', async () => {
    const { warnings, whose } = listened()
    const unhandled = await unhandledIn(async () => {
      tell(async () => Promise.reject(thrown), [], whose)
      await settle()
    })
    expect(unhandled).toEqual([])
    expect(warnings).toEqual(logged)
  })

  test('is told one thing after the other by what was made for it once', async () => {
    const { warnings, whose } = listened()
    const heard: unknown[] = []
    teller((one: number) => heard.push(one), whose)(1)
    teller<number>(undefined, whose)(2)
    const failing = teller((one: number) => {
      heard.push(one)
      if (one === 3) throw thrown
      return Promise.reject(thrown)
    }, whose)
    const unhandled = await unhandledIn(async () => {
      failing(3)
      failing(4)
      await settle()
    })
    expect([heard, unhandled, warnings]).toEqual([[1, 3, 4], [], [...logged, ...logged]])
  })

  test('may answer with anything else', async () => {
    const { warnings, whose } = listened()
    for (const answer of [undefined, null, 1, {}, Promise.resolve()]) tell(() => answer, [], whose)
    await settle()
    expect(warnings).toEqual([])
  })
})
