import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pnpm } from '../setup/pnpm.mjs'
import { smallCheckout, workingPnpm } from './support/small-checkout.ts'

const npmThatFetches = `
mkdir -p node_modules/.bin
printf '#!/bin/sh\\necho fetched pnpm\\n' > node_modules/.bin/pnpm
chmod +x node_modules/.bin/pnpm`

test('a pnpm of the right version on PATH is used', async () => {
  const checkout = smallCheckout()
  checkout.command('pnpm', workingPnpm)
  expect((await pnpm(checkout, ['list'])).code).toBe(0)
  expect(checkout.calls()).toEqual(['pnpm --version', 'pnpm list'])
})

test('without pnpm, the one the workspace names is fetched into the checkout, once', async () => {
  const checkout = smallCheckout()
  checkout.command('npm', npmThatFetches)
  expect((await pnpm(checkout, ['list'])).output).toBe('fetched pnpm\n')
  expect((await pnpm(checkout, ['list'])).output).toBe('fetched pnpm\n')
  expect(checkout.calls()).toEqual([expect.stringMatching(/^npm install .* pnpm@9\.8\.7$/)])
})

test('another version on PATH is left alone', async () => {
  const checkout = smallCheckout()
  checkout.command('pnpm', 'echo 1.0.0')
  checkout.command('npm', npmThatFetches)
  expect((await pnpm(checkout, ['list'])).output).toBe('fetched pnpm\n')
})

test('when npm cannot fetch it, the message says how to get it, and nothing stays that counts as fetched', async () => {
  const checkout = smallCheckout()
  checkout.command('npm', 'mkdir -p node_modules/.bin; echo network is unreachable; exit 1')
  await expect(pnpm(checkout, ['list'])).rejects.toThrow(/npm install --global pnpm@9\.8\.7[^]*network is unreachable/)
  expect(existsSync(join(checkout.root, '.cache/pnpm-9.8.7'))).toBe(false)
})

test('a fetch that was interrupted is repeated', async () => {
  const checkout = smallCheckout()
  checkout.write('.cache/pnpm-9.8.7.partial/node_modules/.bin/pnpm', 'half')
  checkout.command('npm', npmThatFetches)
  expect((await pnpm(checkout, ['list'])).output).toBe('fetched pnpm\n')
})
