import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { acquireSlot } from '../../src/app/state-slot.ts'

let stateDir: string
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'millrace-slot-'))
})
afterEach(() => rm(stateDir, { recursive: true, force: true }))

describe('a state slot', () => {
  test('keeps its process id over restarts', async () => {
    const first = await acquireSlot(stateDir, 'app')
    await first.release()
    const second = await acquireSlot(stateDir, 'app')
    expect(second).toMatchObject({ folder: first.folder, processId: first.processId })
    await second.release()
  })

  test('is another one for a second application in the same process, and the lowest free one afterwards', async () => {
    const first = await acquireSlot(stateDir, 'app')
    const second = await acquireSlot(stateDir, 'app')
    expect([first.folder, second.folder]).toEqual([join(stateDir, 'app', '0'), join(stateDir, 'app', '1')])
    expect(second.processId).not.toBe(first.processId)
    await first.release()
    const third = await acquireSlot(stateDir, 'app')
    expect(third.processId).toBe(first.processId)
    await Promise.all([second.release(), third.release()])
  })

  test('is another one while a living process holds it, and taken over once that was killed', async () => {
    const own = await acquireSlot(stateDir, 'app')
    await own.release()
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
    const stat = await readFile(`/proc/${other.pid}/stat`, 'utf8').catch(() => '')
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
    await writeFile(join(own.folder, '.lock'), JSON.stringify({ pid: other.pid, host: hostname(), started }))
    const beside = await acquireSlot(stateDir, 'app')
    expect(beside.folder).not.toBe(own.folder)
    other.kill('SIGKILL')
    await once(other, 'exit')
    const again = await acquireSlot(stateDir, 'app')
    expect(again.folder).toBe(own.folder)
    await Promise.all([beside.release(), again.release()])
  })

  test('is taken over from a process that was killed, also while nobody has taken note of that', async () => {
    const own = await acquireSlot(stateDir, 'app')
    await own.release()
    // The parent becomes a program that never asks for its children, and says so: a shell may ask once more on its way.
    const parent = spawn('sh', ['-c', 'sleep 600 & exec "$0" -e "console.log($!); setInterval(() => {}, 1000)"', process.execPath])
    const [said] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(said.toString())
    const fields = async () => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    }
    const started = (await fields())[19] ?? ''
    await writeFile(join(own.folder, '.lock'), JSON.stringify({ pid, host: hostname(), started }))
    process.kill(pid, 'SIGKILL')
    await expect.poll(async () => (await fields())[0]).toBe('Z')
    const again = await acquireSlot(stateDir, 'app')
    expect(again.folder).toBe(own.folder)
    await again.release()
    parent.kill('SIGKILL')
    await once(parent, 'exit')
  })

  test('is taken over from a process whose id was given to another one', async () => {
    const own = await acquireSlot(stateDir, 'app')
    await own.release()
    await writeFile(join(own.folder, '.lock'), JSON.stringify({ pid: process.pid, host: hostname(), started: 'long ago' }))
    const again = await acquireSlot(stateDir, 'app')
    expect(again.folder).toBe(own.folder)
    await again.release()
  })

  test('says which folder cannot be used', async () => {
    const file = join(stateDir, 'file')
    await writeFile(file, '')
    await expect(acquireSlot(file, 'app')).rejects.toMatchObject({ code: 'STATE_FOLDER', message: expect.stringContaining(file) as string })
  })
})
