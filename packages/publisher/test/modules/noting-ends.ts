import { appendFileSync } from 'node:fs'
import type { Transport } from '@millrace/core'
import { logInFolder, type LogOptions } from './log-in-folder.ts'

/** A log each of whose processes notes how it ends, in `file`, if it can. */
export function notingEnds({ file, ...options }: LogOptions & { readonly file: string }): Transport {
  process.on('exit', (code) => appendFileSync(file, `${process.pid} ended with ${code}\n`))
  const recipe = { module: import.meta.url, name: 'notingEnds', options: { file, ...options } }
  return Object.assign(logInFolder(options), { recipe })
}
