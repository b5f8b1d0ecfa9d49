import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { defaultClient } from '../../src/options/default-client.ts'

const TOO_OLD = {
  client: 'confluent',
  reason: "Node 22.17.1 does not run the client 'packed' (from 20.19.4, 22.18.0, 24.6.0 on), so the client is 'confluent'",
}

describe('the client for who names none', () => {
  test('is the one that is preferred, on a Node that runs it', () => {
    const running = ['20.19.4', '20.20.0', '22.18.0', '24.6.0-rc.1', '26.0.0']
    expect(running.map((node) => defaultClient(node, 'packed'))).toEqual(running.map(() => ({ client: 'packed', reason: undefined })))
    expect(defaultClient('22.17.1', 'packed')).toEqual(TOO_OLD)
    const others = ['18.20.0', '20.19.3', '21.7.0', '23.11.0', '24.5.9']
    expect(others.map((node) => defaultClient(node, 'packed').client)).toEqual(others.map(() => 'confluent'))
  })

  test('is packed where it runs', () => {
    expect(defaultClient('22.17.1')).toEqual(TOO_OLD)
    expect(defaultClient('26.0.0')).toEqual({ client: 'packed', reason: undefined })
  })

  test('is confluent without a word, if that is preferred', () => {
    expect(defaultClient('22.17.1', 'confluent')).toEqual({ client: 'confluent', reason: undefined })
  })

  test('is chosen by what the library says of itself', () => {
    const path = createRequire(import.meta.url).resolve('@platformatic/kafka')
    const library = createRequire(path)('../package.json') as { readonly engines: { readonly node: string } }
    expect(library.engines.node).toBe('>= 20.19.4 || >= 22.18.0 || >= 24.6.0')
  })
})
