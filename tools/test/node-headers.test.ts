import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nodeHeaders } from '../setup/node-headers.mjs'
import { temporaryFolder } from './support/temporary-folder.ts'

function installedNode(major: number, minor: number, patch: number): string {
  const prefix = temporaryFolder()
  mkdirSync(join(prefix, 'include/node'), { recursive: true })
  writeFileSync(
    join(prefix, 'include/node/node_version.h'),
    `#define NODE_MAJOR_VERSION ${major}\n#define NODE_MINOR_VERSION ${minor}\n#define NODE_PATCH_VERSION ${patch}\n`,
  )
  return prefix
}

test('headers installed beside Node are found', () => {
  const prefix = installedNode(20, 19, 1)
  expect(nodeHeaders(join(prefix, 'bin/node'), '20.19.1')).toBe(prefix)
})

test('headers of another version are not taken', () => {
  const prefix = installedNode(18, 0, 0)
  expect(nodeHeaders(join(prefix, 'bin/node'), '20.19.1')).toBeUndefined()
})

test('a Node without headers has none', () => {
  expect(nodeHeaders(join(temporaryFolder(), 'bin/node'), '20.19.1')).toBeUndefined()
})
