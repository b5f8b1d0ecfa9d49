import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deleteLocalState, localState } from '@millrace/runtime'
import { expect, onTestFinished, test } from 'vitest'
import { acquireSlot } from '../../src/app/state-slot.ts'

function stateDir(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-state-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function stored(...path: string[]): string {
  const folder = join(...path)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'data'), '')
  return folder
}

test('what each process of an application has left is listed, with who has it open', async () => {
  const root = stateDir()
  const slot = await acquireSlot(root, 'app')
  const [one, two] = [stored(root, 'app', '0', '0_1', 'counts'), stored(root, 'app', '10', '1_0', 'names')]
  stored(root, 'app', '2', 'no-task', 'counts')
  stored(root, 'app-2', '0', '0_0', 'counts')

  expect(await localState(root, 'app')).toEqual([
    {
      folder: join(root, 'app', '0'),
      heldBy: expect.objectContaining({ pid: process.pid }) as unknown,
      stores: [{ task: '0_1', store: 'counts', folder: one }],
    },
    { folder: join(root, 'app', '2'), heldBy: undefined, stores: [] },
    { folder: join(root, 'app', '10'), heldBy: undefined, stores: [{ task: '1_0', store: 'names', folder: two }] },
  ])
  await slot.release()
  expect(await localState(join(root, 'nowhere'), 'app')).toEqual([])
})

test('it is deleted for all processes or, while one has a part of it open, not at all; process ids stay, and so does what links lead to', async () => {
  const root = stateDir()
  const elsewhere = stored(root, 'elsewhere')
  const slot = await acquireSlot(root, 'app')
  const stores = [stored(root, 'app', '0', '0_1', 'counts'), stored(root, 'app', '1', '1_0', 'names')]
  symlinkSync(elsewhere, join(root, 'app', '1', '2_0'))

  await expect(deleteLocalState(root, 'app')).rejects.toMatchObject({
    code: 'STATE_FOLDER',
    message: expect.stringContaining(`is in use by process ${process.pid}`) as unknown,
  })
  expect(stores.map((folder) => existsSync(folder))).toEqual([true, true])

  await slot.release()
  await deleteLocalState(root, 'app')
  expect(stores.map((folder) => existsSync(folder))).toEqual([false, false])
  expect(existsSync(join(elsewhere, 'data'))).toBe(true)
  const again = await acquireSlot(root, 'app')
  expect(again.processId).toBe(slot.processId)
  await again.release()
})
