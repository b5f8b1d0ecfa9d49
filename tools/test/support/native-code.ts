import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { root } from '../../paths.mjs'

/** Native modules in a process, found in two ways that know nothing of each other. */
export interface NativeCode {
  /** What Node was asked to load. */
  readonly asked: readonly string[]
  /** What of Node's modules the operating system has in this process. */
  readonly mapped: readonly string[]
}

/**
 * The native code that a program has loaded when its last statement is done. It runs on plain Node, in the folder of the package `millrace`,
 * whose names it imports as their users do: from `dist`.
 */
export async function nativeCodeOf(program: string, env: NodeJS.ProcessEnv = process.env): Promise<NativeCode> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', `${BEFORE}\n${program}\n${AFTER}`], {
    cwd: join(root, 'packages', 'millrace'),
    env: { ...env, NODE_OPTIONS: '' },
  })
  return JSON.parse(/^native (.*)$/m.exec(stdout)?.[1] ?? '') as NativeCode
}

const BEFORE = `
const asked = []
const { dlopen } = process
process.dlopen = (module, file, ...rest) => { asked.push(file); return dlopen.call(process, module, file, ...rest) }`

const AFTER = `
const mapped = process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node'))
console.log('native ' + JSON.stringify({ asked, mapped }))
process.exit(0)`
