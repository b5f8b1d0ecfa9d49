import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { removeLongAside, setAside } from '../../src/store/set-aside.ts'

const DAY = 86_400_000
let task: string
beforeEach(async () => {
  task = await mkdtemp(join(tmpdir(), 'millrace-aside-'))
})
afterEach(() => rm(task, { recursive: true }))

test('what is set aside is kept for a week, each time under a name of its own', async () => {
  const folder = join(task, 'counts')
  for (const time of [0, 0, DAY]) {
    await mkdir(folder)
    await writeFile(join(folder, 'CURRENT'), 'x')
    await setAside(folder, time)
  }
  const names = ['counts', 'counts-2', 'counts.set-aside-by-hand', 'counts-2.set-aside-0']
  for (const name of names) await mkdir(join(task, name))
  expect(await removeLongAside(folder, 7 * DAY)).toEqual([])
  expect((await removeLongAside(folder, 7.5 * DAY)).toSorted()).toEqual([`${folder}.set-aside-0`, `${folder}.set-aside-1`])
  expect((await readdir(task)).toSorted()).toEqual([...names, 'counts.set-aside-86400000'].toSorted())
})

test('where there is no folder there is nothing to be set aside or removed', async () => {
  expect(await setAside(join(task, 'memory'), 0)).toBeUndefined()
  expect(await removeLongAside(join(task, 'nowhere', 'memory'), 0)).toEqual([])
})
