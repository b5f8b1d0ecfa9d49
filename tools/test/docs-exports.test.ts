import { expect, test } from 'vitest'

import { entryPoints, undocumented } from '../docs/undocumented.ts'

test('every public export has TSDoc, and every member whose name does not say unit, default and errors', async () => {
  expect(undocumented(await entryPoints())).toEqual([])
})
