import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** A full collection, now: so that no run pays for the garbage of another. */
export const collectGarbage = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void

/**
 * What lies in the young generation, now. Unlike a full collection, which takes the shapes of objects of which none is left, it leaves V8 the code that it has
 * compiled for them.
 */
export function collectYoungGarbage(): void {
  collectGarbage({ type: 'minor' })
}

/** Whether V8 drops code that did not run during the last collections: by itself it does. */
export function dropUnusedCode(drops: boolean): void {
  setFlagsFromString(drops ? '--flush-bytecode' : '--no-flush-bytecode')
}
