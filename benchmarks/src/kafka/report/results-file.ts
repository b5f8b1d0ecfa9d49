import { readFile, rename, writeFile } from 'node:fs/promises'
import { CommanderError } from 'commander'
import type { Results } from './results.ts'

const USAGE = 2

/** What was measured before; undefined where there is no such file. Throws a `CommanderError` for a file of something else. */
export async function readResults(file: string): Promise<Results | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const results = parsed(text)
  if (results === undefined)
    throw new CommanderError(USAGE, 'bench.json', `${file} has no results of this comparison: name another file, or remove it.`)
  return results
}

function parsed(text: string): Results | undefined {
  try {
    const value = JSON.parse(text) as Partial<Results> | null
    return Array.isArray(value?.workloads) && value.origins !== undefined ? (value as Results) : undefined
  } catch {
    return undefined
  }
}

/** Whole, or not at all: who is interrupted keeps what was there. */
export async function writeResults(file: string, results: Results): Promise<void> {
  const partial = `${file}.partial`
  await writeFile(partial, `${JSON.stringify(results, null, 2)}\n`)
  await rename(partial, file)
}
