import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

import { contentsProblems } from '../packages/contents.mjs'
import { dropLeftovers } from '../packages/drop-leftovers.mjs'
import { temporaryFolder } from './support/temporary-folder.ts'

const licence = 'The licence'
const target = { types: './dist/index.d.ts', default: './dist/index.js' }
const map = JSON.stringify({ sources: ['../src/index.ts'] })

const workspace = {
  name: '@millrace/one',
  version: '1.2.3',
  exports: { '.': { '@millrace/source': './src/index.ts', ...target }, './internal/*': null },
  dependencies: { '@millrace/core': 'workspace:*' },
}
const packed = {
  ...workspace,
  exports: { '.': target, './internal/*': null } as object,
  dependencies: { '@millrace/core': '1.2.3', pino: '^10.0.0' } as Record<string, string>,
}

/** A package without a fault, but for the files given; undefined leaves one out. */
function problemsWith(changes: Record<string, string | undefined>): string[] {
  const files = {
    LICENSE: licence,
    'README.md': '# One\n\nWhat it is, in a sentence that one can read.\n',
    'package.json': JSON.stringify(packed),
    'dist/index.js': '',
    'dist/index.js.map': map,
    'dist/index.d.ts': '',
    'dist/index.d.ts.map': map,
    'src/index.ts': '',
    ...changes,
  }
  const present = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return contentsProblems(new Map(present), workspace, licence)
}

const withManifest = (changes: object) => ({ 'package.json': JSON.stringify({ ...packed, ...changes }) })

test('a package that is whole has no problems', () => {
  expect(problemsWith({})).toEqual([])
})

test.each([
  ['no licence', { LICENSE: undefined }, 'LICENSE'],
  ['another licence', { LICENSE: 'Another' }, 'LICENSE'],
  ['no README', { 'README.md': undefined }, 'README.md'],
  ['a README of a title alone', { 'README.md': '# One\n' }, 'README.md'],
  ['no declarations', { 'dist/index.d.ts': undefined }, 'without dist/index.d.ts.'],
  ['no map', { 'dist/index.js.map': undefined }, 'without dist/index.js.map'],
  ['no sources for its maps', { 'src/index.ts': undefined }, 'leads to src/index.ts'],
  ['a source that was not built', { 'src/more.ts': '' }, 'src/more.ts was not built'],
  ['a source in JavaScript that was not built', { 'src/more.js': '' }, 'src/more.js was not built'],
  ['what was built from a source that is gone', { 'dist/gone.d.ts': '' }, 'left over: there is no src/gone.ts'],
  ['tests', { 'test/index.test.ts': '' }, 'test/index.test.ts does not belong'],
  ['tests among the sources', { 'src/index.test.ts': '' }, 'src/index.test.ts does not belong'],
  ['another folder', { 'state/log': '' }, 'state/log does not belong'],
])('%s is a problem', (_name, changes, problem) => {
  expect(problemsWith(changes).join('\n')).toContain(problem)
})

test.each([
  ['the condition of the workspace', { exports: workspace.exports }, '"publishConfig.exports" must say the same'],
  ['an entry less than the workspace has', { exports: { '.': target } }, '"publishConfig.exports" must say the same'],
  ['an entry that is not there', { exports: { '.': { default: './dist/other.js' } } }, './dist/other.js'],
  ['a version of the workspace protocol', { dependencies: { '@millrace/core': 'workspace:*' } }, "@millrace/core in 'workspace:*'"],
  ['another version of a package of ours', { dependencies: { '@millrace/core': '1.2.2' } }, "@millrace/core in '1.2.2'"],
  ['a dependency from a folder', { dependencies: { pino: 'file:../pino' } }, "pino in 'file:../pino'"],
  ['another version than the workspace', { version: '1.2.4' }, 'Its version is 1.2.4'],
])('a manifest with %s is a problem', (_name, changes, problem) => {
  expect(problemsWith(withManifest(changes)).join('\n')).toContain(problem)
})

test('before a package is packed, what was built from sources that are gone is deleted, and nothing else', () => {
  const folder = temporaryFolder()
  for (const name of ['src/deep', 'dist/deep']) mkdirSync(join(folder, name), { recursive: true })
  for (const name of ['here.ts', 'plain.js']) writeFileSync(join(folder, 'src/deep', name), '')
  const endings = ['.js', '.js.map', '.d.ts', '.d.ts.map']
  for (const ending of endings) for (const name of ['here', 'plain', 'gone']) writeFileSync(join(folder, `dist/deep/${name}${ending}`), '')

  dropLeftovers(folder)

  const left = (name: string) => endings.filter((ending) => existsSync(join(folder, `dist/deep/${name}${ending}`)))
  expect({ here: left('here'), plain: left('plain'), gone: left('gone') }).toEqual({ here: endings, plain: endings, gone: [] })
})
