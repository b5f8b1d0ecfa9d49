import type { TestProject } from 'vitest/node'
import { bundlePrograms, pathFrom } from './bundle-programs.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where `tests/programs` are, each as one file of JavaScript. */
    testPrograms: string
  }
}

/** Makes them of the sources, once for a run. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const at = (relative: string) => pathFrom(import.meta.url, relative)
  const { folder, remove } = await bundlePrograms([at('../programs/*.ts')], at('../../node_modules/.cache'))
  provide('testPrograms', folder)
  return remove
}
