import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { setUp } from '../setup/set-up.mjs'
import { smallCheckout, workingPnpm } from './support/small-checkout.ts'

const withoutNative = { native: 'unneeded', build: true } as const

describe('a fresh clone', () => {
  test('gets its dependencies and its build, each step announced', async () => {
    const checkout = smallCheckout()
    checkout.command('pnpm', workingPnpm)
    await setUp(checkout, withoutNative)
    expect(checkout.said).toEqual(['installing dependencies', 'building the packages'])
    expect(existsSync(join(checkout.root, 'packages/one/dist'))).toBe(true)
  })

  test('in a path with spaces is set up like any other', async () => {
    const checkout = smallCheckout('a check out')
    checkout.command('pnpm', workingPnpm)
    await setUp(checkout, withoutNative)
    expect(existsSync(join(checkout.root, 'packages/one/dist'))).toBe(true)
  })
})

describe('a checkout that is set up', () => {
  test('is left alone: no command runs', async () => {
    const checkout = smallCheckout()
    checkout.command('pnpm', workingPnpm)
    await setUp(checkout, withoutNative)
    const calls = checkout.calls().length
    await setUp(checkout, withoutNative)
    expect(checkout.calls()).toHaveLength(calls)
    expect(checkout.said).toHaveLength(2)
  })

  test.each([
    ['a changed lock file', 'pnpm-lock.yaml', ['installing dependencies', 'building the packages']],
    ['a changed source', 'packages/one/src/index.ts', ['building the packages']],
    ['a new source', 'packages/one/src/more.ts', ['building the packages']],
  ])('does again what %s asks for', async (_, file, steps) => {
    const checkout = smallCheckout()
    checkout.command('pnpm', workingPnpm)
    await setUp(checkout, withoutNative)
    checkout.said.length = 0
    checkout.write(file, 'changed')
    await setUp(checkout, withoutNative)
    expect(checkout.said).toEqual(steps)
  })

  test.each([
    ['node_modules', ['installing dependencies']],
    ['packages/one/node_modules', ['installing dependencies']],
    ['packages/one/dist', ['building the packages']],
    ['.cache', ['building the packages']],
  ])('does again what the loss of %s asks for', async (folder, steps) => {
    const checkout = smallCheckout()
    checkout.command('pnpm', workingPnpm)
    await setUp(checkout, withoutNative)
    checkout.said.length = 0
    rmSync(join(checkout.root, folder), { recursive: true })
    await setUp(checkout, withoutNative)
    expect(checkout.said).toEqual(steps)
  })
})

describe('a step that fails', () => {
  test('ends the set-up with what the command said, and is done again by the next', async () => {
    const checkout = smallCheckout()
    checkout.command('pnpm', `[ "$1" = --version ] && echo 9.8.7 && exit; mkdir node_modules; echo the disk is full; exit 1`)
    await expect(setUp(checkout, withoutNative)).rejects.toThrow(/could not be installed[^]*the disk is full/)
    checkout.command('pnpm', workingPnpm)
    await setUp(checkout, withoutNative)
    expect(checkout.said).toEqual(['installing dependencies', 'installing dependencies', 'building the packages'])
  })

  test('loses its earlier stamp: half an install never counts as the one before it', async () => {
    const checkout = smallCheckout()
    checkout.command('pnpm', workingPnpm)
    await setUp(checkout, withoutNative)
    checkout.write('pnpm-lock.yaml', 'another')
    checkout.command('pnpm', `[ "$1" = --version ] && echo 9.8.7 && exit; exit 1`)
    await expect(setUp(checkout, withoutNative)).rejects.toThrow('could not be installed')
    checkout.write('pnpm-lock.yaml', 'lock')
    checkout.said.length = 0
    checkout.command('pnpm', workingPnpm)
    await setUp(checkout, withoutNative)
    expect(checkout.said).toEqual(['installing dependencies'])
  })
})
