import { execFile } from 'node:child_process'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

import { root } from '../paths.mjs'
import { workspacePackages } from '../setup/checkout.mjs'
import { temporaryFolder } from './support/temporary-folder.ts'

const run = promisify(execFile)
const changeset = join(dirname(createRequire(import.meta.url).resolve('@changesets/cli/package.json')), 'bin.js')

interface PackageJson {
  readonly name: string
  readonly version: string
  readonly private?: boolean
}

async function packagesOf(workspace: string): Promise<PackageJson[]> {
  return Promise.all(
    workspacePackages(workspace).map(async (folder) => JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageJson),
  )
}

/** The manifests of this workspace and how its releases are set up, in a repository of their own with one commit. */
async function smallWorkspace(folder: string): Promise<void> {
  const manifests = workspacePackages(root).map((path) => join(relative(root, path), 'package.json'))
  for (const file of ['package.json', 'pnpm-workspace.yaml', '.changeset/config.json', ...manifests]) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await cp(join(root, file), join(folder, file))
  }
  const git = (...args: string[]) => run('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost', ...args], { cwd: folder })
  await git('init', '--quiet', '--initial-branch=main')
  await git('add', '--all')
  await git('commit', '--quiet', '--message=start')
}

test('a change of one public package releases all of them in the same version, and no private one', async () => {
  const folder = temporaryFolder()
  await smallWorkspace(folder)
  const before = await packagesOf(folder)
  await writeFile(join(folder, '.changeset', 'a-change.md'), "---\n'@millrace/store-memory': minor\n---\n\nA change.\n")

  await run(process.execPath, [changeset, 'version'], { cwd: folder })

  const after = await packagesOf(folder)
  const released = after.filter(({ name, version }) => before.some((one) => one.name === name && one.version !== version))
  expect(released.map(({ name }) => name).sort()).toEqual(
    before
      .filter((one) => one.private !== true)
      .map(({ name }) => name)
      .sort(),
  )
  expect(new Set(released.map(({ version }) => version)).size).toBe(1)
})

test('a change of a private package cannot be written down together with a public one', async () => {
  const folder = temporaryFolder()
  await smallWorkspace(folder)
  await writeFile(join(folder, '.changeset', 'a-change.md'), "---\n'millrace': minor\n'@millrace/tests': minor\n---\n\nA change.\n")

  await expect(run(process.execPath, [changeset, 'version'], { cwd: folder })).rejects.toThrow(/@millrace\/tests/)
})

test('every changeset of this repository can be read, and names public packages only', async () => {
  const names = (await packagesOf(root)).filter((one) => one.private !== true).map(({ name }) => name)
  const files = (await readdir(join(root, '.changeset'))).filter((name) => name.endsWith('.md') && name !== 'README.md')
  for (const file of files) {
    const text = await readFile(join(root, '.changeset', file), 'utf8')
    const changed = [...(/^---\n([\s\S]*?)\n---\n/.exec(text)?.[1] ?? '').matchAll(/^'(.+)': (?:patch|minor|major)$/gm)].map(
      ([, name]) => name,
    )
    expect({ file, unknown: changed.filter((name) => !names.includes(name ?? '')), some: changed.length > 0 }).toEqual({
      file,
      unknown: [],
      some: true,
    })
  }
})
