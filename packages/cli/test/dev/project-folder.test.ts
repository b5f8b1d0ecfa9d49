import { expect, test } from 'vitest'
import { isUnwatched } from '../../src/dev/project-folder.ts'

test.each([
  ['src/app.ts', false],
  ['src/app.mjs', false],
  ['statements.ts', false],
  ['package.json', false],
  ['tsconfig.build.json', false],
  ['.env', false],
  // Written by it, or of it: it would begin anew for ever.
  ['out.json', true],
  ['app.log', true],
  ['node_modules/millrace/index.js', true],
  ['state/app/0/CURRENT', true],
  ['packages/a/node_modules/b.js', true],
  ['.git/index.js', true],
])('%s: a change there means nothing: %s', (path, unwatched) => {
  expect(isUnwatched(`/project/${path}`, '/project', true)).toBe(unwatched)
})

test('folders are looked into whatever they are called', () => {
  expect(isUnwatched('/project/src', '/project', false)).toBe(false)
  expect(isUnwatched('/project', '/project', false)).toBe(false)
})
