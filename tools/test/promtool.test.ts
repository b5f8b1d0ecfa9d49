import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findPromtool, promtool } from '../setup/promtool.mjs'
import { smallCheckout } from './support/small-checkout.ts'

test('a promtool that is there is used, first the one that is named', () => {
  const checkout = smallCheckout()
  expect(promtool(checkout).isDone()).toBe(false)
  checkout.command('promtool', 'true')
  expect(findPromtool(checkout)).toMatch(/bin\/promtool$/)
  expect(findPromtool({ ...checkout, env: { ...checkout.env, PROMTOOL: process.execPath } })).toBe(process.execPath)
  expect(promtool(checkout).isDone()).toBe(true)
})

test("without one, that of Debian's package is fetched, and the package is not installed", async () => {
  const checkout = smallCheckout()
  checkout.command('dpkg-deb', 'exit 0')
  const list = join(checkout.root, 'list')
  checkout.command('apt-get', `[ "$1" = update ] && touch '${list}'; [ -e '${list}' ]`)
  checkout.command('sh', 'mkdir -p usr/bin && printf "#!/bin/sh\\n" > usr/bin/promtool && chmod +x usr/bin/promtool')
  await promtool(checkout).run()
  // The list of packages was missing.
  const asked = checkout.calls().filter((call) => call.startsWith('apt-get'))
  expect(asked).toEqual(['apt-get download prometheus', 'apt-get update', 'apt-get download prometheus'])
  expect(findPromtool(checkout)).toBe(join(checkout.root, '.cache', 'promtool'))
  expect(checkout.said).toEqual(['fetching promtool, for the test of the alert rules'])
})

test('where it cannot be fetched the set-up says what to do, and goes on', async () => {
  const checkout = smallCheckout()
  checkout.command('dpkg-deb', 'exit 0')
  checkout.command('apt-get', 'echo no network; exit 100')
  await promtool(checkout).run()
  expect(checkout.said.join('\n')).toMatch(/no network[^]*apt-get install prometheus/)
  expect(existsSync(join(checkout.root, '.cache', 'promtool'))).toBe(false)
  checkout.said.length = 0
  checkout.command('dpkg-deb', 'exit 127')
  await promtool(checkout).run()
  expect(checkout.said).toEqual([expect.stringContaining('PROMTOOL')])
})
