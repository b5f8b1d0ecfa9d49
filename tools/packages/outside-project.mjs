import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from '../paths.mjs'
import { run } from '../run.mjs'

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
/** Only tells what hangs. */
const LIMIT_MS = 120_000

/** As strict as a program can be, and down into our declarations. */
const compilerOptions = {
  module: 'nodenext',
  target: 'es2022',
  types: ['node'],
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
  rootDir: 'src',
  outDir: 'dist',
}

/**
 * What a manifest says of the tarballs, by the names of the packages.
 * @param {readonly import('./pack.mjs').Packed[]} packed
 * @returns {Record<string, string>}
 */
function fileSpecs(packed) {
  return Object.fromEntries(packed.map(({ manifest, file }) => [manifest.name, pathToFileURL(file).href.replace('file://', 'file:')]))
}

/**
 * Lets a project that is there take Millrace from tarballs, and installs it. Its manifest names packages of ours as their users do.
 * @param {string} folder
 * @param {readonly import('./pack.mjs').Packed[]} packed
 */
export async function installFromTarballs(folder, packed) {
  const file = join(folder, 'package.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8'))
  const ours = fileSpecs(packed)
  for (const name of Object.keys(manifest.dependencies)) if (ours[name] !== undefined) manifest.dependencies[name] = ours[name]
  manifest.overrides = ours
  for (const name of Object.keys(manifest.dependencies)) if (ours[name] !== undefined) manifest.overrides[name] = `$${name}`
  writeFileSync(file, JSON.stringify(manifest, null, 2))
  const { npm_config_loglevel: _, ...env } = process.env
  await succeed('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder, env })
}

/**
 * Runs a command that must end well, in a project outside. Resolves with what it wrote.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('../../packages/cli/broker/run.mjs').RunOptions} options
 */
export async function succeed(command, args, options) {
  const { code, output } = await run(command, args, { timeoutMs: LIMIT_MS, ...options })
  if (code !== 0) throw new Error(`In a project outside: ${[basename(command), ...args].join(' ')}\n${output}`)
  return output
}

/** A project outside of the repository, whose Millrace comes from tarballs. */
export class OutsideProject {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = folder
  }

  /**
   * @param {string} folder Is made; whoever gives it removes it.
   * @param {readonly import('./pack.mjs').Packed[]} packed
   * @param {{ readonly dependencies?: Record<string, string>, readonly npmArguments?: readonly string[] }} [more]
   */
  static async create(folder, packed, { dependencies = {}, npmArguments = [] } = {}) {
    const project = new OutsideProject(folder)
    cpSync(join(import.meta.dirname, 'outside'), join(folder, 'src'), { recursive: true })
    await project.#install(packed, dependencies, npmArguments)
    return project
  }

  /**
   * @param {readonly import('./pack.mjs').Packed[]} packed
   * @param {Record<string, string>} dependencies
   * @param {readonly string[]} npmArguments
   */
  async #install(packed, dependencies, npmArguments) {
    const ours = fileSpecs(packed)
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const manifest = {
      private: true,
      type: 'module',
      dependencies: { ...ours, ...dependencies },
      devDependencies: { '@types/node': devDependencies['@types/node'] },
      // What our packages want of each other is these files as well.
      overrides: Object.fromEntries(Object.keys(ours).map((name) => [name, `$${name}`])),
    }
    writeFileSync(join(this.folder, 'package.json'), JSON.stringify(manifest, null, 2))
    const { npm_config_loglevel: _, ...env } = process.env
    await this.#succeed('npm', ['install', '--no-audit', '--no-fund', ...npmArguments], env)
    this.#requireFromDisk()
  }

  /** Nothing of ours may have come from a registry. */
  #requireFromDisk() {
    /** @type {{ packages: Record<string, { resolved?: string }> }} */
    const { packages } = JSON.parse(readFileSync(join(this.folder, 'package-lock.json'), 'utf8'))
    const ours = Object.entries(packages).filter(([path]) => /(^|\/)node_modules\/(millrace|@millrace\/[^/]+)$/.test(path))
    const others = ours.filter(([, { resolved }]) => !resolved?.startsWith('file:'))
    if (ours.length === 0 || others.length > 0) throw new Error(`Not from the tarballs: ${JSON.stringify(others)}`)
  }

  /**
   * @param {string} name
   * @param {string} source
   */
  write(name, source) {
    writeFileSync(join(this.folder, 'src', name), source)
  }

  /** Type-checks everything, then builds it into `dist`. Once more as bundlers resolve, which builds nothing. */
  async build() {
    writeFileSync(join(this.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }, null, 2))
    await this.#succeed(process.execPath, [tsc, '-p', '.'])
    await this.#succeed(process.execPath, [tsc, '-p', '.', '--noEmit', '--module', 'preserve', '--moduleResolution', 'bundler'])
  }

  /**
   * Runs a program that was built, to its end.
   * @param {string} name
   * @param {{ readonly args?: readonly string[], readonly node?: string | undefined, readonly env?: NodeJS.ProcessEnv }} [how]
   */
  run(name, { args = [], node = process.execPath, env = process.env } = {}) {
    return run(node, [join(this.folder, 'dist', name), ...args], { cwd: this.folder, env, timeoutMs: LIMIT_MS })
  }

  /**
   * Runs a program that must end well. Resolves with what it wrote.
   * @param {string} name
   * @param {Parameters<OutsideProject['run']>[1]} [how]
   */
  async output(name, how) {
    const { code, output } = await this.run(name, how)
    if (code !== 0) throw new Error(`${name} ended with ${code}.\n${output}`)
    return output
  }

  /**
   * @param {string} command
   * @param {readonly string[]} args
   * @param {NodeJS.ProcessEnv} [env]
   */
  async #succeed(command, args, env = process.env) {
    await succeed(command, args, { cwd: this.folder, env })
  }
}
