import { expect, test } from 'vitest'
import { browser, findBrowser } from '../setup/browser.mjs'
import { smallCheckout } from './support/small-checkout.ts'

test('a browser that is there is used, first the one that is named', () => {
  const checkout = smallCheckout()
  checkout.command('chromium', 'true')
  const { env } = checkout
  expect(findBrowser(env)).toMatch(/chromium$/)
  expect(findBrowser({ ...env, CHROMIUM: process.execPath })).toBe(process.execPath)
  expect(browser(checkout).isDone()).toBe(true)
})

test("without one, Debian's is installed", async () => {
  const checkout = smallCheckout()
  checkout.command('dpkg-query', 'exit 1')
  checkout.command('apt-get', 'true')
  expect(browser(checkout).isDone()).toBe(false)
  await browser(checkout).run()
  expect(checkout.calls().join('\n')).toContain('apt-get install --yes --no-install-recommends chromium')
  expect(checkout.said).toEqual(['installing Chromium, for the tests of the dashboard'])
})

test('where it cannot be installed the set-up says what to do, and goes on', async () => {
  const checkout = smallCheckout()
  checkout.command('dpkg-query', 'exit 1')
  checkout.command('apt-get', 'echo no network; exit 100')
  await browser(checkout).run()
  expect(checkout.said.join('\n')).toMatch(/no network[^]*apt-get install chromium/)
  checkout.said.length = 0
  checkout.command('dpkg-query', 'exit 127')
  await browser(checkout).run()
  expect(checkout.said).toEqual([expect.stringContaining('apt-get install chromium')])
})
