import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildFolder, clearTries } from '../setup/native-build.mjs'
import { nativeClient } from '../setup/native-client.mjs'
import { setUp } from '../setup/set-up.mjs'
import { type SmallCheckout, smallCheckout, workingPnpm } from './support/small-checkout.ts'

const client = 'packages/transport-kafka/node_modules/@confluentinc/kafka-javascript'

/** A checkout whose client can be had neither as a binary nor from source, and says so. */
function checkoutWithoutCompiler(): SmallCheckout {
  const checkout = smallCheckout()
  checkout.command('pnpm', `${workingPnpm}\nmkdir -p packages/transport-kafka/dist`)
  checkout.command('dpkg-query', 'echo "make installed"; echo "g++ not-installed"; exit 1')
  checkout.command('apt-get', 'echo no network; exit 100')
  checkout.write('packages/transport-kafka/package.json', '{}')
  checkout.write(`${client}/package.json`, '{ "version": "1.0.0" }')
  checkout.write(`${client}/node_modules/nan/package.json`, '{}')
  checkout.write(`${client}/node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp`, 'process.exit(1)')
  return checkout
}

describe('a native client that cannot be had', () => {
  test('ends a set-up that requires it, naming the packages that are missing', async () => {
    const checkout = checkoutWithoutCompiler()
    const settingUp = setUp(checkout, { native: 'required', build: false })
    await expect(settingUp).rejects.toThrow(/g\+\+ python3 libcurl4-openssl-dev/)
    await expect(settingUp).rejects.not.toThrow(/ make /)
  })

  test('is named in a set-up that only wants it, and the rest goes on', async () => {
    const checkout = checkoutWithoutCompiler()
    await setUp(checkout, { native: 'wanted', build: true })
    expect(checkout.said.join('\n')).toMatch(/g\+\+ python3[^]*going on without Kafka[^]*building the packages/)
  })

  test('is not tried again until it is required', async () => {
    const checkout = checkoutWithoutCompiler()
    await setUp(checkout, { native: 'wanted', build: false })
    checkout.said.length = 0
    await setUp(checkout, { native: 'wanted', build: false })
    expect(checkout.said).toEqual([expect.stringMatching(/could not be built the last time.*npm run setup/)])
    await expect(setUp(checkout, { native: 'required', build: false })).rejects.toThrow('g++')
  })

  test('does not count as there', async () => {
    const checkout = checkoutWithoutCompiler()
    await setUp(checkout, { native: 'wanted', build: false })
    expect(nativeClient(checkout).isDone()).toBe(false)
  })
})

describe('the folder it is built in', () => {
  test('is inside the checkout', () => {
    const checkout = { ...smallCheckout(), root: '/home/me/millrace' }
    expect(buildFolder(checkout)).toBe(`/home/me/millrace/.cache/native-client.${process.pid}`)
  })

  test('has no space in its path even if the checkout has', () => {
    const checkout = smallCheckout('with spaces')
    expect(buildFolder(checkout, '/var/tmp')).toMatch(/^\/var\/tmp\/millrace-native-client-[0-9a-f]+\.\d+$/)
    expect(buildFolder(checkout, '/my temp')).toMatch(/^\/tmp\/millrace-native-client-[0-9a-f]+\.\d+$/)
  })

  test('is cleared of what an interrupted try left', () => {
    const checkout = smallCheckout()
    checkout.write('.cache/native-client.123/build/half.o', '')
    checkout.write('.cache/native-client-failure', 'kept')
    clearTries(buildFolder(checkout))
    expect(readdirSync(join(checkout.root, '.cache'))).toEqual(['native-client-failure'])
  })
})
