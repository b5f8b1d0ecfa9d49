import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

import { publishedProblems } from '../packages/published-problems.mjs'
import { root } from '../paths.mjs'
import { temporaryFolder } from './support/temporary-folder.ts'

const manifest = {
  name: '@millrace/one',
  version: '1.2.3',
  license: 'Apache-2.0',
  type: 'module',
  sideEffects: false,
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
}

/** What is found in a package of one module that is packed with these manifest and files, apart from what it lacks altogether. */
async function problemsOf(changes: object, files: Record<string, string>): Promise<string[]> {
  const folder = temporaryFolder()
  const all = {
    'package.json': JSON.stringify({ ...manifest, ...changes }),
    'dist/index.js': 'export const one = 1\n',
    'dist/index.d.ts': 'export declare const one = 1;\n',
    ...files,
  }
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  execFileSync('npm', ['pack', '--silent'], { cwd: folder })
  const file = join(folder, 'millrace-one-1.2.3.tgz')
  const problems = await publishedProblems({ folder, manifest, file, bytes: new Uint8Array(readFileSync(file)) }, root)
  return problems.filter((problem) => /^(publint|Its types are wrong|It has no types)/.test(problem))
}

test('a package of ES modules alone is what we want', async () => {
  expect(await problemsOf({}, {})).toEqual([])
})

test('types that Node cannot find a module for are a problem', async () => {
  const found = await problemsOf({}, { 'dist/index.d.ts': "export { one } from './other.js'\n" })

  expect(found.join('\n')).toContain('InternalResolutionError')
})

test('declarations of CommonJS for an ES module are a problem', async () => {
  const types = './dist/index.d.cts'
  const found = await problemsOf(
    { exports: { '.': { types, default: './dist/index.js' } } },
    { [types]: 'export declare const one = 1;\n' },
  )

  expect(found.join('\n')).toContain('FalseCJS')
})

test('a package without types is a problem', async () => {
  const found = await problemsOf({ files: ['dist/index.js'], exports: { '.': './dist/index.js' } }, {})

  expect(found).toContain('It has no types.')
})

test('an export that is not in the package is a problem', async () => {
  const found = await problemsOf({ exports: { ...manifest.exports, './more': './dist/more.js' } }, {})

  expect(found.join('\n')).toContain('publint:')
})

test('what publint merely warns of is a problem', async () => {
  const found = await problemsOf({ exports: { '.': { default: './dist/index.js', types: './dist/index.d.ts' } } }, {})

  expect(found.join('\n')).toContain('publint:')
})
