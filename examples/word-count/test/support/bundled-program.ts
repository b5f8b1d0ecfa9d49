import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { bundlePrograms, pathFrom } from '../../../../tests/support/bundle-programs.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The word count's program, one file of JavaScript made of the sources. */
    wordCount: string
  }
}

/** Makes it of the sources, once for a run. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const at = (relative: string) => pathFrom(import.meta.url, relative)
  // As deep as the sources are, so that it finds the text it comes with.
  const { folder, remove } = await bundlePrograms([at('../../src/main.ts')], at('../../node_modules'))
  provide('wordCount', join(folder, 'main.mjs'))
  return remove
}
