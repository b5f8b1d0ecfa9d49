import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

import { deadLinks } from '../docs/links.ts'
import { pages, root } from '../docs/write-examples.ts'

test.each(await pages())('the links of %s lead somewhere', async (page) => {
  expect(await deadLinks(root, page)).toEqual([])
})

test('links to what is not there are named by page and line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-links-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'other.md'), '# A heading, of `code`\n\n```sh\n# no heading\n```\n')
  await writeFile(
    join(folder, 'page.md'),
    ['[a](other.md)', '[b](nothing.md) [c](other.md#a-heading-of-code)', '```', '[d](code.md)', '```', '[e](other.md#no-heading)'].join(
      '\n',
    ),
  )

  expect(await deadLinks(folder, 'page.md')).toEqual(['page.md:2: nothing.md', 'page.md:6: other.md#no-heading'])
})
