import { expect, test } from 'vitest'
import { insertSettings } from '../src/server-version.ts'

test.each([
  ['18.16.1', {}],
  ['21.10.9', {}],
  ['21.11.1.8636', { async_insert: 0 }],
  ['22.1.3.7', { async_insert: 0 }],
  ['22.2.2.1', { insert_deduplicate: 1, insert_deduplication_token: 't', async_insert: 0 }],
  ['26.9.0', { insert_deduplicate: 1, insert_deduplication_token: 't', async_insert: 0 }],
])(
  'an insert into %s has the settings that it knows, and is in when the server says so, whatever its profile says',
  (version, settings) => {
    expect(insertSettings(version, 't')).toEqual(settings)
  },
)
