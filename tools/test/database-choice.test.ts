import { describe, expect, test } from 'vitest'
import type { DatabaseServer } from '../databases/database-server.mjs'
import { openDatabase } from '../databases/database-server.mjs'
import { clickhouseKind } from '../databases/clickhouse.mjs'
import { postgresKind } from '../databases/postgres.mjs'

const server = (kind: DatabaseServer['kind']): DatabaseServer => {
  const nothing = () => Promise.resolve()
  return { kind, url: kind, kill: nothing, restart: nothing, freeze: nothing, thaw: nothing, stop: nothing }
}
const none = { debianLacks: async () => 'it is not installed', docker: async () => server('docker') }

describe.each([postgresKind, clickhouseKind])('$name', (kind) => {
  test('is taken from its variable, else from Docker, else from a package of Debian', async () => {
    const all = { ...kind, docker: async () => server('docker'), debian: async () => server('debian'), debianLacks: async () => undefined }
    const env = { [kind.variable]: 'given' }
    expect(await openDatabase(all, {}, { env, docker: async () => true })).toMatchObject({ kind: 'given', url: 'given' })
    expect(await openDatabase(all, {}, { env: {}, docker: async () => true })).toMatchObject({ kind: 'docker' })
    expect(await openDatabase(all, {}, { env: {}, docker: async () => false })).toMatchObject({ kind: 'debian' })
    // One that may be killed is never somebody's.
    expect(await openDatabase(all, {}, { env, docker: async () => false, ownOnly: true })).toMatchObject({ kind: 'debian' })
    await expect((await openDatabase(all, {}, { env })).kill()).rejects.toThrow('is not ours to stop')
  })

  test('without any is an error that names the three', async () => {
    const asked = openDatabase({ ...kind, ...none }, {}, { env: {}, docker: async () => false })
    await expect(asked).rejects.toThrow(new RegExp(`${kind.variable}[\\s\\S]*Docker[\\s\\S]*apt-get install ${kind.debianPackage}`))
  })
})
