import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Checkout } from '../../setup/checkout.mjs'
import { temporaryFolder } from './temporary-folder.ts'

/** A workspace of one package and a PATH of its own, on which a test decides what can be found and how it behaves. */
export interface SmallCheckout extends Checkout {
  /** What the steps said, and what they called: `npm install ...`. */
  readonly said: string[]
  calls(): string[]
  write(path: string, content: string): void
  command(name: string, script: string): void
}

/** A pnpm of the right version that installs and builds at once. */
export const workingPnpm = `
if [ "$1" = --version ]; then echo 9.8.7; exit; fi
if [ "$1" = install ]; then mkdir -p node_modules packages/one/node_modules; fi
if [ "$1" = exec ]; then mkdir -p packages/one/dist; fi`

export function smallCheckout(name = 'checkout'): SmallCheckout {
  const folder = temporaryFolder()
  const root = join(folder, name)
  const bin = join(folder, 'bin')
  const log = join(folder, 'calls')
  const said: string[] = []
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  mkdirSync(bin)
  writeFileSync(log, '')
  write('package.json', JSON.stringify({ packageManager: 'pnpm@9.8.7', devDependencies: { turbo: '1' } }))
  write('pnpm-lock.yaml', 'lock')
  write('packages/one/package.json', JSON.stringify({ scripts: { build: 'tsc' }, dependencies: { two: '1' } }))
  write('packages/one/src/index.ts', 'export {}')
  return {
    root,
    env: { PATH: bin },
    said,
    say: (message) => said.push(message),
    calls: () => readFileSync(log, 'utf8').split('\n').filter(Boolean),
    write,
    command(command, script) {
      const file = join(bin, command)
      writeFileSync(file, `#!/bin/sh\nPATH=/usr/bin:/bin\necho "${command} $*" >> '${log}'\n${script}\n`)
      chmodSync(file, 0o755)
    },
  }
}
