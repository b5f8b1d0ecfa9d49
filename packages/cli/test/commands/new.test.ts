import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { millrace } from '../support/command.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('a project is made in a folder that is new or empty', async () => {
  const folder = temporaryFolder()
  const { code, stdout } = await millrace(['new', 'my-app', '--no-install'], { folder })

  expect(stdout).toBe('Project my-app is made. Go on with:\n\n  cd my-app\n  npm install\n  npm test\n  npm run dev\n')
  expect(code).toBe(0)
  const manifest = JSON.parse(readFileSync(join(folder, 'my-app', 'package.json'), 'utf8')) as { name: string }
  expect(manifest.name).toBe('my-app')
  expect(readFileSync(join(folder, 'my-app', 'src', 'app.ts'), 'utf8')).toContain("applicationId: 'my-app'")

  expect(await millrace(['new', 'my-app', '--no-install'], { folder })).toMatchObject({
    code: 2,
    stderr: "millrace: 'my-app' is there already, and not empty.\n",
  })
})

test('what can not name a package is refused, and nothing that is there is overwritten', async () => {
  const folder = temporaryFolder()
  expect((await millrace(['new', 'My App', '--no-install'], { folder })).code).toBe(2)
  expect(existsSync(join(folder, 'My App'))).toBe(false)

  mkdirSync(join(folder, 'mine'))
  writeFileSync(join(folder, 'mine', 'notes.txt'), 'mine')
  expect((await millrace(['new', 'mine', '--no-install'], { folder })).code).toBe(2)
  for (const path of ['mine/notes.txt', 'mine/notes.txt/below'])
    expect(await millrace(['new', path, '--no-install'], { folder })).toMatchObject({
      code: 2,
      stderr: `millrace: '${path}' can't be a folder: there is a file of that name, or on the way.\n`,
    })
})

test('it is installed with the package manager that the command was started by', async () => {
  const variables = { npm_config_user_agent: 'pnpm/9.0.0 npm/? node/v20.0.0' }

  expect((await millrace(['new', 'my-app', '--no-install'], { folder: temporaryFolder(), variables })).stdout).toContain(
    '  pnpm install\n  pnpm test',
  )
})
