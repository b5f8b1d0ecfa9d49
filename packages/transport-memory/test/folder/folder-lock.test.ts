import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FolderLock } from '../../src/folder/folder-lock.ts'
import { processIdentity } from '../../src/folder/process-identity.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describe('FolderLock', () => {
  it('keeps everybody else out until it is released', () => {
    using folder = temporaryFolder()
    const lock = FolderLock.acquire(folder.path)
    expect(() => FolderLock.acquire(folder.path)).toThrow(`is in use by process ${process.pid}`)
    lock.release()
    const next = FolderLock.acquire(folder.path)
    expect(() => FolderLock.acquire(folder.path)).toThrow('is in use')
    next.release()
  })

  it('takes a higher number each time, and leaves one file behind', () => {
    using folder = temporaryFolder()
    for (let i = 1; i <= 3; i++) {
      FolderLock.acquire(folder.path).release()
      expect(readdirSync(folder.path)).toEqual([`lock-${i}`])
    }
  })

  it('passes over a process that is gone, and over a later one of the same number', () => {
    using folder = temporaryFolder()
    const owners = [
      { pid: 2 ** 22 + 1, identity: 'alive' },
      { pid: process.pid, identity: 'an earlier boot 12345' },
    ]
    owners.forEach((owner, i) => {
      writeFileSync(join(folder.path, `lock-${10 * (i + 1)}`), JSON.stringify(owner))
      FolderLock.acquire(folder.path).release()
      expect(readdirSync(folder.path)).toEqual([`lock-${10 * (i + 1) + 1}`])
    })
  })

  it('is not fooled by a lower number that is held by somebody who came too late', () => {
    using folder = temporaryFolder()
    const late = { pid: process.pid, identity: processIdentity(process.pid) }
    writeFileSync(join(folder.path, 'lock-3'), JSON.stringify(late))
    writeFileSync(join(folder.path, 'lock-4'), 'released')
    const lock = FolderLock.acquire(folder.path)
    expect(readdirSync(folder.path)).toEqual(['lock-5'])
    lock.release()
  })
})
