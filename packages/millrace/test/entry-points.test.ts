import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const dist = (name: string) => fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url))

/** Native modules (`.node` files) that are loaded by importing an entry point with plain Node. */
async function nativeCodeOf(entry: string): Promise<string[]> {
  const program = `
    const loaded = []
    const dlopen = process.dlopen
    process.dlopen = (module, file, ...rest) => { loaded.push(file); return dlopen.call(process, module, file, ...rest) }
    await import(${JSON.stringify(dist(entry))})
    console.log(JSON.stringify(loaded))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  return JSON.parse(stdout) as string[]
}

describe('the entry points of the built package', () => {
  test.each(['index', 'memory', 'testing', 'fp', 'kafka', 'leveldb', 'parallel', 'bulk-sink', 'postgres', 'clickhouse'])(
    '%s is loaded without native code',
    async (entry) => {
      expect([dist(entry)].filter((file) => !existsSync(file))).toEqual([])
      expect(await nativeCodeOf(entry)).toEqual([])
    },
  )

  test.each([
    ['index', false],
    ['testing', false],
    ['parallel', true],
  ])('%s loads the pool of worker threads: %s', async (entry, expected) => {
    const program = `
      import { createRequire } from 'node:module'
      await import(${JSON.stringify(dist(entry))})
      const loaded = Object.keys(createRequire(import.meta.url).cache)
      console.log(loaded.some((file) => file.includes('piscina')))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
    expect(stdout).toBe(`${expected}\n`)
  })
})
