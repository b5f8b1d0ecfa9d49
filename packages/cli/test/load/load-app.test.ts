import { describe, expect, test } from 'vitest'
import { loaderFor } from '../../src/load/typescript.ts'
import { apps, millrace } from '../support/command.ts'

const { default: definition } = await import('../apps/word-count.ts')

describe('an application is found, whatever the module exports it as', () => {
  test.each([
    ['its definition', definition],
    ['a promise', Promise.resolve(definition)],
    ['a function', () => definition],
    ['a function that answers later', async () => definition],
    ['what observes it', { definition, attach: async () => undefined, close: async () => undefined }],
    ['a module that was compiled to CommonJS', { __esModule: true, default: definition }],
  ])('%s', async (_, exported) => {
    const { code, stdout } = await millrace(['describe', 'word-count.ts'], { importModule: async () => ({ default: exported }) })

    expect(stdout).toContain('Source: lines')
    expect(code).toBe(0)
  })
})

test.each([[{}], [null], ['text'], [{ definition: {} }], [{ ...definition, transport: undefined }]])('%o is none', async (exported) => {
  expect((await millrace(['describe', 'word-count.ts'], { importModule: async () => ({ default: exported }) })).code).toBe(2)
})

test('TypeScript is run by the tsx of its project, and JavaScript as it is', () => {
  expect(loaderFor(`${apps}word-count.ts`)).toMatch(/node_modules\/tsx\//)
  expect(loaderFor(`${apps}word-count.js`)).toBeUndefined()
})
