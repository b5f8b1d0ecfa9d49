import { type Logger, silentLogger, tell } from '@millrace/core'
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

  test('may answer with anything else', async () => {
    const { warnings, whose } = listened()
    for (const answer of [undefined, null, 1, {}, Promise.resolve()]) tell(() => answer, [], whose)
    await settle()
    expect(warnings).toEqual([])
  })
})
