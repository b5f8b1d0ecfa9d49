import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { command, type CommandHost, runs } from '../command-line/command.ts'
import { UsageError } from '../command-line/errors.ts'
import type { CommonOptions } from '../command-line/report.ts'
import { version } from '../command-line/version.ts'
import { install, packageManager } from '../new/install.ts'
import { projectFiles } from '../new/project-files.ts'

interface NewOptions extends CommonOptions {
  readonly install: boolean
}

/** What names a package of npm's, a consumer group and a folder alike. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/

/** `millrace new`: a project to begin with. */
export function newCommand(host: CommandHost): Command {
  const made = command('new', 'Make a project that builds, passes its test and runs: a word count to change.', [
    'millrace new my-app',
    'millrace new apps/orders --no-install',
  ])
    .argument('<name>', 'folder of the project, whose last part is its name')
    .option('--no-install', 'leave out installing what it depends on')
  return runs<NewOptions>(made, host, async ({ args: [path = ''], options, environment, report }) => {
    const folder = resolve(environment.folder, path)
    const name = basename(folder)
    if (!NAME.test(name))
      throw new UsageError(`'${name}' can't name a project: use lower-case letters, digits, '-', '.' and '_', at most 100.`)
    makeFolder(folder, path)
    const files = projectFiles({ name, version: version() })
    for (const [file, text] of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text)
    }
    const manager = packageManager(environment.variables)
    if (options.install) {
      await report.note(`installing with ${manager}`)
      await install(manager, folder, environment.stop)
    }
    const steps = [`cd ${path}`, ...(options.install ? [] : [`${manager} install`]), `${manager} test`, `${manager} run dev`]
    await report.result({ name, folder, files: [...files.keys()], installed: options.install }, () => text(path, steps))
  })
}

/** Makes it, unless it is there and empty. Throws a {@link UsageError} where it can't be, or holds something. */
function makeFolder(folder: string, path: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw new UsageError(`'${path}' can't be a folder: there is a file of that name, or on the way.`)
    throw error
  }
  if (readdirSync(folder).length > 0) throw new UsageError(`'${path}' is there already, and not empty.`)
}

function text(path: string, steps: readonly string[]): string {
  return `Project ${path} is made. Go on with:\n\n${steps.map((step) => `  ${step}\n`).join('')}`
}
