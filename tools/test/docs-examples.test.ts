import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type Complaint, compileExamples } from '../docs/compile-examples.ts'
import { type ExampleModule, withPlaces } from '../docs/example-module.ts'
import { type Example, placeOf } from '../docs/examples.ts'
import { runExample } from '../docs/run-example.ts'
import { examplesOfPages, writeExamples } from '../docs/write-examples.ts'

const examples = await examplesOfPages()
const toRun = examples.flatMap((example, index) => (example.run === 'no' ? [] : [{ place: placeOf(example), run: example.run, index }]))

let folder: string
let modules: ExampleModule[]
let complaints: Complaint[]

beforeAll(async () => {
  const written = await writeExamples(examples)
  folder = written.folder
  modules = written.modules
  complaints = await compileExamples(folder, modules)
}, 120_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

/** By node:test, in TAP, or by vitest. */
function testsPassed(output: string): number {
  const [, tap, vitest] = /^# pass (\d+)$|^ +Tests +(\d+) passed/m.exec(output) ?? []
  return Number(tap ?? vitest ?? 0)
}

/** A runner that is given no tests, or a suite that registers none, is content. */
function testsAtLeast({ run, fences }: Example): number {
  if (run === 'program') return 0
  return fences.some(({ code }) => /^ *\w+Conformance\(/m.test(code)) ? 20 : 1
}

describe('the examples of the pages', () => {
  test('compile against the public names, in the strict settings of the repository', () => {
    expect(complaints.map(({ place, message }) => `${place}: ${message}`)).toEqual([])
  })

  test.each(toRun)('$place runs ($run)', { timeout: 60_000 }, async ({ index }) => {
    const { code, output } = await runExample(folder, modules[index] as ExampleModule)

    expect({ code, output: code === 0 ? '' : withPlaces(output, modules) }).toEqual({ code: 0, output: '' })
    expect(testsPassed(output)).toBeGreaterThanOrEqual(testsAtLeast(examples[index] as Example))
  })
})
